// The subcommands of CLUSTER that only look. Read under the core's lock, on any worker.
#include <algorithm>
#include <string>
#include <vector>

#include "cluster/node_lines.h"
#include "drivers/cluster/cluster_commands.h"
#include "drivers/cluster/cluster_driver.h"
#include "drivers/failover_reply.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/help_reply.h"
#include "wire/cluster_bus.h"

namespace vigil::drivers::clusterView {

using cluster::Cluster;
using cluster::Moment;
using cluster::Node;
using cluster::State;
using command::Context;
using command::Reply;

namespace {

ClusterDriver& driverOf(Context& ctx) { return ctx.owner<ClusterDriver>(); }

// Replicas that clients may be sent to.
std::vector<const Node*> workingReplicas(const State& state, const Node& master) {
  std::vector<const Node*> replicas;
  for (const Node* replica : state.replicasOf(master)) {
    if (!replica->has(cluster::kFail)) replicas.push_back(replica);
  }
  return replicas;
}

// An endpoint that is not to be told is null: the client goes on with the address that it has.
void writeEndpoint(Reply& reply, const std::string& endpoint, cluster::EndpointType type) {
  if (type == cluster::EndpointType::kUnknown) return reply.null();
  reply.bulk(endpoint);
}

void writeSlotsNode(Reply& reply, const Node& node, const cluster::RoutingOptions& options) {
  using cluster::EndpointType;
  const bool address = options.endpoint != EndpointType::kAddress && !node.address.empty();
  const bool hostName = options.endpoint != EndpointType::kHostName && !node.hostName.empty();
  reply.array(4);
  writeEndpoint(reply, cluster::endpointOf(node, options.endpoint), options.endpoint);
  reply.integer(cluster::portOf(node, options.tlsPorts, false));
  reply.bulk(node.id);
  reply.map(static_cast<size_t>(address) + static_cast<size_t>(hostName));
  if (address) {
    reply.bulk("ip");
    reply.bulk(node.address);
  }
  if (hostName) {
    reply.bulk("hostname");
    reply.bulk(node.hostName);
  }
}

void writeSlots(Reply& reply, const State& state, const cluster::RoutingOptions& options) {
  const size_t mark = reply.mark();
  size_t count = 0;
  for (size_t first = 0, next = 0; first < kSlotCount; first = next) {
    const Node* owner = state.owner(first);
    for (next = first + 1; next < kSlotCount && state.owner(next) == owner;) ++next;
    if (owner == nullptr) continue;
    const auto replicas = workingReplicas(state, *owner);
    reply.array(3 + replicas.size());
    reply.integer(static_cast<int64_t>(first));
    reply.integer(static_cast<int64_t>(next - 1));
    writeSlotsNode(reply, *owner, options);
    for (const Node* replica : replicas) writeSlotsNode(reply, *replica, options);
    ++count;
  }
  reply.arrayAt(mark, count);
}

void writeShardsNode(Reply& reply, const Node& node, const cluster::RoutingOptions& options, int64_t ownOffset) {
  const size_t mark = reply.mark();
  size_t fields = 0;
  auto text = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
    ++fields;
  };
  auto number = [&](std::string_view name, int64_t value) {
    reply.bulk(name);
    reply.integer(value);
    ++fields;
  };
  text("id", node.id);
  if (uint16_t plain = options.tlsPorts ? node.plainPort : node.port; plain != 0) number("port", plain);
  if (options.tlsPorts) number("tls-port", node.port);
  text("ip", node.address);
  reply.bulk("endpoint");
  writeEndpoint(reply, cluster::endpointOf(node, options.endpoint), options.endpoint);
  ++fields;
  if (!node.hostName.empty()) text("hostname", node.hostName);
  text("role", node.isMaster() ? "master" : "replica");
  number("replication-offset", node.isMyself() ? ownOffset : static_cast<int64_t>(node.offset));
  const bool loading = !node.isMyself() && node.isReplica() && node.offset == 0;
  text("health", node.has(cluster::kFail) ? "fail" : loading ? "loading" : "online");
  reply.mapAt(mark, fields);
}

void writeShards(Reply& reply, const State& state, const cluster::RoutingOptions& options, int64_t ownOffset) {
  const size_t mark = reply.mark();
  size_t count = 0;
  for (const auto& [id, node] : state.nodes()) {
    if (!node->isMaster() || node->inHandshake()) continue;
    ++count;
    reply.map(2);
    reply.bulk("slots");
    const auto ranges = node->slots.ranges();
    reply.array(ranges.size() * 2);
    for (const SlotRange& range : ranges) {
      reply.integer(range.first);
      reply.integer(range.last);
    }
    reply.bulk("nodes");
    const auto replicas = state.replicasOf(*node);
    reply.array(1 + replicas.size());
    writeShardsNode(reply, *node, options, ownOffset);
    for (const Node* replica : replicas) writeShardsNode(reply, *replica, options, ownOffset);
  }
  reply.arrayAt(mark, count);
}

constexpr std::pair<wire::BusType, std::string_view> kCounted[] = {
    {wire::BusType::kPing, "ping"},
    {wire::BusType::kPong, "pong"},
    {wire::BusType::kMeet, "meet"},
    {wire::BusType::kFail, "fail"},
    {wire::BusType::kPublish, "publish"},
    {wire::BusType::kVoteRequest, "auth-req"},
    {wire::BusType::kVote, "auth-ack"},
    {wire::BusType::kUpdate, "update"},
    {wire::BusType::kManualFailover, "mfstart"},
    {wire::BusType::kModule, "module"},
    {wire::BusType::kPublishShard, "publishshard"},
};

std::string countsText(const std::string& what, const std::function<uint64_t(wire::BusType)>& count) {
  std::string text;
  uint64_t sum = 0;
  for (const auto& [type, name] : kCounted) {
    const uint64_t n = count(type);
    if (n != 0) text += "cluster_stats_messages_" + std::string(name) + "_" + what + ":" + std::to_string(n) + "\r\n";
    sum += n;
  }
  return text + "cluster_stats_messages_" + what + ":" + std::to_string(sum) + "\r\n";
}

std::string infoText(const Cluster& core, uint64_t overLimit) {
  const State& state = core.state();
  size_t assigned = 0;
  size_t suspected = 0;
  size_t failed = 0;
  for (size_t slot = 0; slot < kSlotCount; ++slot) {
    const Node* owner = state.owner(slot);
    if (owner == nullptr) continue;
    ++assigned;
    failed += owner->has(cluster::kFail) ? 1 : 0;
    suspected += owner->has(cluster::kPfail) ? 1 : 0;
  }
  const Node* head = state.myself().head();
  std::string text;
  auto add = [&](std::string_view name, uint64_t value) {
    text += std::string(name) + ":" + std::to_string(value) + "\r\n";
  };
  text += std::string("cluster_state:") + (state.up ? "ok" : "fail") + "\r\n";
  add("cluster_slots_assigned", assigned);
  add("cluster_slots_ok", assigned - suspected - failed);
  add("cluster_slots_pfail", suspected);
  add("cluster_slots_fail", failed);
  add("cluster_known_nodes", state.nodes().size());
  add("cluster_size", state.voters());
  add("cluster_current_epoch", state.currentEpoch);
  add("cluster_my_epoch", head != nullptr ? head->configEpoch : state.myself().configEpoch);
  text += countsText("sent", [&](wire::BusType type) { return core.speaker().sent(type); });
  text += countsText("received", [&](wire::BusType type) { return core.received(type); });
  add("total_cluster_links_buffer_limit_exceeded", overLimit);
  return text;
}

struct ShownLink {
  bool to;
  std::string node;
  int64_t created;  // milliseconds, Unix time
  size_t pending;
};

void writeLinks(Reply& reply, const std::vector<ShownLink>& links) {
  reply.array(links.size());
  for (const ShownLink& link : links) {
    reply.map(6);
    reply.bulk("direction");
    reply.bulk(link.to ? "to" : "from");
    reply.bulk("node");
    reply.bulk(link.node);
    reply.bulk("create-time");
    reply.integer(link.created);
    reply.bulk("events");
    reply.bulk(link.pending != 0 ? "rw" : "r");
    reply.bulk("send-buffer-allocated");
    reply.integer(static_cast<int64_t>(link.pending));
    reply.bulk("send-buffer-used");
    reply.integer(static_cast<int64_t>(link.pending));
  }
}

}  // namespace

void nodes(Context& ctx) {
  ctx.reply().verbatim("txt", driverOf(ctx).look([](const Cluster& core, Moment now) {
    return cluster::nodesText(core.state(), now);
  }));
}

void slots(Context& ctx) {
  const auto options = driverOf(ctx).options().routingOptions();
  driverOf(ctx).look([&](const Cluster& core, Moment) { writeSlots(ctx.reply(), core.state(), options); });
}

void shards(Context& ctx) {
  const auto options = driverOf(ctx).options().routingOptions();
  const int64_t offset = driverOf(ctx).engine().log().end();
  driverOf(ctx).look([&](const Cluster& core, Moment) { writeShards(ctx.reply(), core.state(), options, offset); });
}

void info(Context& ctx) {
  const uint64_t overLimit = driverOf(ctx).linksOverLimit();
  ctx.reply().verbatim("txt", driverOf(ctx).look([&](const Cluster& core, Moment) { return infoText(core, overLimit); }));
}

void links(Context& ctx) {
  if (!engine::DeferredReply::possible(ctx)) {
    return ctx.reply().error("ERR CLUSTER LINKS is not possible inside a transaction or a script");
  }
  auto later = std::make_shared<engine::DeferredReply>(ctx);
  ClusterDriver& driver = driverOf(ctx);
  driver.withBusLinks([&driver, later](std::vector<Bus::LinkFacts> facts) {
    std::vector<ShownLink> shown = driver.look([&](const Cluster& core, Moment now) {
      std::vector<ShownLink> all;
      for (const auto& [id, node] : core.state().nodes()) {
        for (const Bus::LinkFacts& link : facts) {
          if (link.id != node->link && link.id != node->inbound) continue;
          all.push_back({link.id == node->link, id, now.wall - (now.mono - link.created) / 1000, link.pending});
        }
      }
      return all;
    });
    later->answer([shown = std::move(shown)](Reply& reply) { writeLinks(reply, shown); });
  });
}

void myId(Context& ctx) {
  ctx.reply().bulk(driverOf(ctx).look([](const Cluster& core, Moment) { return core.state().myself().id; }));
}

void myShardId(Context& ctx) {
  ctx.reply().bulk(driverOf(ctx).look([](const Cluster& core, Moment) { return core.state().myself().shardId; }));
}

void replicas(Context& ctx) {
  const std::string id(ctx.arg(2));
  driverOf(ctx).look([&](const Cluster& core, Moment now) {
    const Node* master = core.state().find(id);
    if (master == nullptr) return ctx.reply().error("ERR Unknown node " + id);
    if (!master->isMaster()) return ctx.reply().error("ERR The specified node is not a master");
    const auto all = core.state().replicasOf(*master);
    ctx.reply().array(all.size());
    for (const Node* replica : all) {
      ctx.reply().bulk(wire::formatNodeLine(cluster::lineOf(core.state(), *replica, now)));
    }
  });
}

void countFailureReports(Context& ctx) {
  const std::string id(ctx.arg(2));
  driverOf(ctx).look([&](const Cluster& core, Moment) {
    const Node* node = core.state().find(id);
    if (node == nullptr) return ctx.reply().error("ERR Unknown node " + id);
    ctx.reply().integer(static_cast<int64_t>(core.failures().reportCount(*node)));
  });
}

void failoverReport(Context& ctx) {
  if (ctx.argc() > 3) return engine::replyWrongSubcommand(ctx, "CLUSTER");
  const std::string_view node = ctx.argc() == 3 ? ctx.arg(2) : std::string_view();
  driverOf(ctx).look([&](const Cluster& core, Moment) {
    const FailoverReport* report = core.journal().latest(node);
    if (report == nullptr) return ctx.reply().null();
    replyFailover(ctx.reply(), *report, cluster::kReportTerms);
  });
}

}  // namespace vigil::drivers::clusterView
