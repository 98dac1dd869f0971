// Between the core's state and nodes.conf, and how CLUSTER NODES, SLOTS and SHARDS see it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/state.h"
#include "cluster/step.h"
#include "wire/nodes_conf.h"

namespace vigil::cluster {

// `now`: to show monotonic times as those of the wall.
wire::NodeLine lineOf(const State& state, const Node& node, const Moment& now);
wire::NodesConf confOf(const State& state, const Moment& now);  // for nodes.conf
// CLUSTER NODES: all lines, each with its end.
std::string nodesText(const State& state, const Moment& now);

// Puts into a fresh state what nodes.conf remembers.
Status restoreState(State& state, const wire::NodesConf& conf, const Moment& now, Dice& dice);

bool validHostName(std::string_view name);  // empty is valid: none

}  // namespace vigil::cluster
