// DEBUG DROP-CLUSTER-PACKET-FILTER and CLUSTERLINK: faults of the bus, for tests.
#include <optional>

#include "base/text.h"
#include "drivers/cluster/cluster_driver.h"
#include "engine/debug/debug_registry.h"

namespace vigil::drivers {

namespace {

constexpr std::string_view kFilterHelp[] = {
    "DROP-CLUSTER-PACKET-FILTER <packet-type>",
    "    Drop all packets that match the filtered type. Set to -1 allow all packets.",
};
constexpr std::string_view kLinkHelp[] = {
    "CLUSTERLINK KILL <to|from|all> <node-id>",
    "    Kills the link based on the direction to/from (both) with the provided node.",
};

}  // namespace

void ClusterDriver::registerDebug() {
  engine_.debug().add({"DROP-CLUSTER-PACKET-FILTER", 1, 1, kFilterHelp, [this](command::Context& ctx) {
                         const auto type = parseInt64(ctx.arg(2));
                         if (!type) return ctx.reply().notInteger();
                         engine_.control().post([this, type = static_cast<int>(*type)] { bus_->dropPackets(type); });
                         ctx.reply().ok();
                       }});
  engine_.debug().add({"CLUSTERLINK", 3, 3, kLinkHelp, [this](command::Context& ctx) { killLinks(ctx); }});
}

void ClusterDriver::killLinks(command::Context& ctx) {
  if (!equalsIgnoreCase(ctx.arg(2), "kill")) {
    return ctx.reply().error("ERR unknown subcommand or wrong number of arguments for '" + std::string(ctx.arg(1)) +
                             "'. Try DEBUG HELP.");
  }
  const bool all = equalsIgnoreCase(ctx.arg(3), "all");
  const bool to = all || equalsIgnoreCase(ctx.arg(3), "to");
  const bool from = all || equalsIgnoreCase(ctx.arg(3), "from");
  struct Links {
    cluster::LinkId to;
    cluster::LinkId from;
  };
  const auto links = look([&](const cluster::Cluster& core, cluster::Moment) -> std::optional<Links> {
    const cluster::Node* node = core.state().find(ctx.arg(4));
    return node == nullptr ? std::nullopt : std::optional(Links{node->link, node->inbound});
  });
  if (!links) return ctx.reply().error("ERR Unknown node " + std::string(ctx.arg(4)));
  if (!to && !from) return ctx.reply().error("ERR Unknown direction " + std::string(ctx.arg(3)));
  engine_.control().post([this, links = *links, to, from] {
    if (to) bus_->cut(links.to);
    if (from) bus_->cut(links.from);
  });
  ctx.reply().ok();
}

}  // namespace vigil::drivers
