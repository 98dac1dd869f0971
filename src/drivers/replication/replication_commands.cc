#include "drivers/replication/replication_commands.h"

#include <algorithm>

#include "base/text.h"
#include "command/args.h"
#include "command/context.h"
#include "drivers/replication/replication.h"
#include "engine/connection.h"
#include "engine/execution.h"
#include "engine/session.h"

namespace vigil::drivers {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;
using replication::ReplicaTraits;

namespace {

engine::Session& sessionOf(Context& ctx) { return static_cast<engine::Session&>(ctx.session()); }

// As the log says who asked: the beginning of the client's line in CLIENT LIST.
std::string clientText(const engine::Session& session) {
  const engine::ClientInfo& info = *session.info;
  return "id=" + std::to_string(info.id) + " addr=" + info.address + " laddr=" + info.localAddress +
         " fd=" + std::to_string(info.descriptor) + " name=" + info.names().name;
}

void replicaof(Context& ctx) {
  if (ctx.owner<Replication>().engine().clusterMode()) {
    return ctx.reply().error("ERR REPLICAOF not allowed in cluster mode.");
  }
  if (ctx.owner<Replication>().failover().active()) {
    return ctx.reply().error("ERR REPLICAOF not allowed while failing over.");
  }
  auto& replica = ctx.owner<Replication>().replica();
  if (equalsIgnoreCase(ctx.arg(1), "no") && equalsIgnoreCase(ctx.arg(2), "one")) {
    replica.promote(clientText(sessionOf(ctx)));
    return ctx.reply().ok();
  }
  auto port = parseInt64(ctx.arg(2));
  if (!port || *port < 0 || *port > 65535) return ctx.reply().error("ERR Invalid master port");
  MasterAddress master{std::string(ctx.arg(1)), static_cast<uint16_t>(*port)};
  if (!replica.follow(master, clientText(sessionOf(ctx)))) {
    ctx.owner<Replication>().engine().logger().notice(
        "REPLICAOF would result into synchronization with the master we are already connected with. No operation "
        "performed.");
    return ctx.reply().simple("OK Already connected to specified master");
  }
  ctx.reply().ok();
}

void role(Context& ctx) {
  auto& replication = ctx.owner<Replication>();
  auto& reply = ctx.reply();
  auto view = replication.replica().view();
  oplog::Offset end = replication.engine().log().end();
  if (view.replica) {
    reply.array(5);
    reply.bulk("slave");
    reply.bulk(view.master.host);
    reply.integer(view.master.port);
    reply.bulk(view.state);
    return reply.integer(view.linkUp ? end : -1);
  }
  reply.array(3);
  reply.bulk("master");
  reply.integer(end);
  size_t mark = reply.mark();
  size_t count = 0;
  for (const auto& peer : replication.master().replicas()) {
    if (peer.state != replication::ReplicaState::kOnline) continue;
    reply.array(3);
    reply.bulk(peer.host());
    reply.bulk(std::to_string(peer.traits.listeningPort));
    reply.bulk(std::to_string(peer.acked));
    ++count;
  }
  reply.arrayAt(mark, count);
}

// The rest of WAIT and WAITAOF: the time-out, and the answer now or later.
void waitFor(Context& ctx, MasterDriver::WaitFor what, size_t timeoutArgument) {
  auto timeout = parseInt64(ctx.arg(timeoutArgument));
  if (!timeout) return ctx.reply().error("ERR timeout is not an integer or out of range");
  if (*timeout < 0) return ctx.reply().error("ERR timeout is negative");
  if (*timeout > INT64_MAX - ctx.now()) return ctx.reply().error("ERR timeout is out of range");
  MasterDriver& master = ctx.owner<Replication>().master();
  what.offset = sessionOf(ctx).lastWrite;
  if (master.fulfilled(what) || !engine::DeferredReply::possible(ctx)) return master.writeCounts(ctx.reply(), what);
  master.await(std::make_shared<engine::DeferredReply>(ctx), what, *timeout);
}

void wait(Context& ctx) {
  auto& replication = ctx.owner<Replication>();
  if (replication.engine().state().replica.load()) {
    return ctx.reply().error(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is "
        "configured to be writable (which is not the default) writes to replicas are just local and are not "
        "propagated.");
  }
  ArgCursor args(ctx, 1);
  const auto replicas = args.integer();
  if (!replicas) return;
  waitFor(ctx, {.replicas = static_cast<size_t>(std::max<int64_t>(0, *replicas))}, 2);
}

void waitaof(Context& ctx) {
  auto& replication = ctx.owner<Replication>();
  if (replication.engine().state().replica.load()) {
    return ctx.reply().error(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local "
        "and are not propagated.");
  }
  ArgCursor args(ctx, 1);
  const auto local = args.integerIn(0, 1, "ERR value is out of range, must be between 0 and 1");
  if (!local) return;
  const auto replicas = args.integerNotNegative();
  if (!replicas) return;
  if (*local == 1 && replication.master().durableHere() < 0) {
    return ctx.reply().error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  }
  waitFor(ctx, {.replicas = static_cast<size_t>(*replicas), .durable = true, .local = *local == 1}, 3);
}

// True after an error reply: this node cannot serve as a master at the moment. While FAILOVER waits for a replica it can:
// one that lost its link must come back, or a FAILOVER without TIMEOUT would wait for it for ever.
bool refuseSync(Context& ctx) {
  if (ctx.owner<Replication>().failover().handingOver()) {
    ctx.reply().error("NOMASTERLINK Can't SYNC while failing over");
    return true;
  }
  auto view = ctx.owner<Replication>().replica().view();
  if (view.replica && !view.linkUp) {
    ctx.reply().error("NOMASTERLINK Can't SYNC while not connected with my master");
    return true;
  }
  // Such a snapshot is sent alone, without a file, so without a length.
  auto traits = std::static_pointer_cast<replication::ReplicaTraits>(sessionOf(ctx).peer);
  if (!traits || !traits->withoutData || traits->eof) return false;
  ctx.reply().error("ERR Filtered replica requires EOF capability");
  return true;
}

// PSYNC … FAILOVER: our master hands its role to us. It is answered as PSYNC is, once we are the master.
void takeRoleOver(Context& ctx, oplog::Offset wireOffset) {
  auto& replication = ctx.owner<Replication>();
  engine::Session& session = sessionOf(ctx);
  replication.engine().logger().warning("Failover request received for replid " + std::string(ctx.arg(1)) + ".");
  if (!replication.replica().view().replica) {
    // We have taken over, and the answer was lost: who asks again is answered again, or there would be two masters.
    if (equalsIgnoreCase(ctx.arg(1), replication.engine().log().history().previousId)) {
      return replication.master().takeOver(session, ctx.arg(1), wireOffset, false);
    }
    return ctx.reply().error("ERR PSYNC FAILOVER can't be sent to a master.");
  }
  session.suspended = engine::Session::Suspended::kWaiting;
  auto& worker = static_cast<engine::Execution&>(ctx).worker();
  worker.withWorld([&replication, &worker, session = session.id, id = std::string(ctx.arg(1)), wireOffset] {
    engine::Connection* connection = worker.findConnection(session);
    if (!connection || connection->closing()) return;
    if (!equalsIgnoreCase(id, replication.engine().log().history().id)) {
      connection->session().reply.error("ERR PSYNC FAILOVER replid must match my replid.");
      worker.queueFlush(*connection);
      return connection->resume();
    }
    replication.replica().promote(clientText(connection->session()), "failover request");
    replication.master().takeOver(connection->session(), id, wireOffset, false);
  });
}

void psync(Context& ctx) {
  auto offset = parseInt64(ctx.arg(2));
  if (ctx.argc() > 3 && equalsIgnoreCase(ctx.arg(3), "failover")) {
    if (!offset) return ctx.reply().notInteger();
    return takeRoleOver(ctx, *offset);
  }
  if (refuseSync(ctx)) return;
  if (!offset) return ctx.reply().notInteger();
  ctx.owner<Replication>().master().takeOver(sessionOf(ctx), ctx.arg(1), *offset, false);
}

void sync(Context& ctx) {
  if (refuseSync(ctx)) return;
  ctx.owner<Replication>().master().takeOver(sessionOf(ctx), "?", -1, true);
}

// REPLCONF rdb-filter-only "functions": what the snapshot may hold, nothing else. False after an error reply.
bool noteFilter(Context& ctx, ReplicaTraits& traits, std::string_view value) {
  auto words = splitArguments(value);
  if (!words) {
    ctx.reply().error("ERR Missing rdb-filter-only values");
    return false;
  }
  for (const std::string& word : *words) {
    if (equalsIgnoreCase(word, "functions")) continue;
    ctx.reply().error("ERR Unsupported rdb-filter-only option: " + word);
    return false;
  }
  traits.withoutData = true;
  return true;
}

// False after an error reply.
bool noteTrait(Context& ctx, ReplicaTraits& traits, std::string_view option, std::string_view value) {
  if (equalsIgnoreCase(option, "listening-port")) {
    auto port = parseInt64(value);
    if (!port || *port < 0 || *port > 65535) return ctx.reply().notInteger(), false;
    traits.listeningPort = static_cast<uint16_t>(*port);
  } else if (equalsIgnoreCase(option, "ip-address")) {
    if (value.size() >= 256) {
      ctx.reply().error("ERR REPLCONF ip-address provided by replica instance is too long: " +
                        std::to_string(value.size()) + " bytes");
      return false;
    }
    traits.address = value;
  } else if (equalsIgnoreCase(option, "capa")) {
    if (equalsIgnoreCase(value, "eof")) traits.eof = true;
    if (equalsIgnoreCase(value, "psync2")) traits.psync2 = true;
  } else if (equalsIgnoreCase(option, "rdb-only")) {
    auto yes = parseInt64(value);
    if (!yes || *yes < 0 || *yes > 1) return ctx.reply().error("ERR value is out of range, must be between 0 and 1"), false;
    traits.rdbOnly = *yes == 1;
  } else if (equalsIgnoreCase(option, "rdb-filter-only")) {
    return noteFilter(ctx, traits, value);
  } else if (!equalsIgnoreCase(option, "version")) {
    ctx.reply().error("ERR Unrecognized REPLCONF option: " + std::string(option));
    return false;
  }
  return true;
}

void replconf(Context& ctx) {
  if (ctx.argc() % 2 == 0) return ctx.reply().syntaxError();
  engine::Session& session = sessionOf(ctx);
  // Acknowledgements of what is no replica, and requests for them that are not our master's, get no answer.
  if (ctx.argc() > 1 && (equalsIgnoreCase(ctx.arg(1), "ack") || equalsIgnoreCase(ctx.arg(1), "getack"))) return;
  if (!session.peer) session.peer = std::make_shared<ReplicaTraits>();
  auto traits = std::static_pointer_cast<ReplicaTraits>(session.peer);
  for (size_t i = 1; i + 1 < ctx.argc(); i += 2) {
    if (!noteTrait(ctx, *traits, ctx.arg(i), ctx.arg(i + 1))) return;
  }
  ctx.reply().ok();
}

using namespace command;  // the flags of the rows

constexpr std::string_view kWaitTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr std::string_view kWaitaofTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr CommandSpec kCommands[] = {
    {.name = "replicaof",
     .arity = 3,
     .flags = kAdmin | kNoscript | kStale | kNoAsyncLoading | kWholeKeyspace,
     .categories = kCatAdmin | kCatDangerous,
     .handler = replicaof,
     .group = "server",
     .since = "5.0.0",
     .summary = "Configures a server as replica of another, or promotes it to a master.",
     .complexity = "O(1)",
     .arguments = "args:(host-port:<host port:integer>|no-one:<NO ONE>)"},
    {.name = "slaveof",
     .arity = 3,
     .flags = kAdmin | kNoscript | kStale | kNoAsyncLoading | kWholeKeyspace,
     .categories = kCatAdmin | kCatDangerous,
     .handler = replicaof,
     .group = "server",
     .since = "1.0.0",
     .summary = "Sets a Redis server as a replica of another, or promotes it to being a master.",
     .complexity = "O(1)",
     .deprecatedSince = "5.0.0",
     .replacedBy = "`REPLICAOF`",
     .arguments = "args:(host-port:<host port:integer>|no-one:<NO ONE>)"},
    {.name = "role",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kSentinel | kNoLocks,
     .categories = kCatFast | kCatAdmin | kCatDangerous,
     .handler = role,
     .group = "server",
     .since = "2.8.12",
     .summary = "Returns the replication role.",
     .complexity = "O(1)"},
    {.name = "wait",
     .arity = 3,
     .flags = kNoscript | kNoLocks,
     .categories = kCatConnection,
     .handler = wait,
     .group = "generic",
     .since = "3.0.0",
     .summary = "Blocks until the asynchronous replication of all preceding write commands sent by the connection is "
                "completed.",
     .complexity = "O(1)",
     .tips = kWaitTips,
     .arguments = "numreplicas:integer timeout:integer"},
    {.name = "waitaof",
     .arity = 4,
     .flags = kNoscript | kNoLocks,
     .categories = kCatConnection,
     .handler = waitaof,
     .group = "generic",
     .since = "7.2.0",
     .summary = "Blocks until all of the preceding write commands sent by the connection are written to the "
                "append-only file of the master and/or replicas.",
     .complexity = "O(1)",
     .tips = kWaitaofTips,
     .arguments = "numlocal:integer numreplicas:integer timeout:integer"},
    {.name = "psync",
     .arity = -3,
     .flags = kAdmin | kNoscript | kNoAsyncLoading | kNoMulti | kNoLocks,
     .categories = kCatAdmin | kCatDangerous,
     .handler = psync,
     .group = "server",
     .since = "2.8.0",
     .summary = "An internal command used in replication.",
     .arguments = "replicationid:string offset:integer"},
    {.name = "sync",
     .arity = 1,
     .flags = kAdmin | kNoscript | kNoAsyncLoading | kNoMulti | kNoLocks,
     .categories = kCatAdmin | kCatDangerous,
     .handler = sync,
     .group = "server",
     .since = "1.0.0",
     .summary = "An internal command used in replication."},
    {.name = "replconf",
     .arity = -1,
     .flags = kAdmin | kNoscript | kLoading | kStale | kAllowBusy | kNoLocks,
     .categories = kCatAdmin | kCatDangerous,
     .handler = replconf,
     .group = "server",
     .since = "3.0.0",
     .summary = "An internal command for configuring the replication stream.",
     .complexity = "O(1)",
     .system = true},
};

}  // namespace

std::span<const CommandSpec> replicationCommands() { return kCommands; }

}  // namespace vigil::drivers
