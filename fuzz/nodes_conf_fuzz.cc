// nodes.conf: what was taken is written, and then taken again to the same effect, also by a node.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "cluster/cluster.h"
#include "cluster/node_lines.h"
#include "wire/nodes_conf.h"

using namespace vigil;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto conf = wire::parseNodesConf({reinterpret_cast<const char*>(data), size});
  if (!conf) return 0;
  const auto again = wire::parseNodesConf(wire::formatNodesConf(*conf));
  if (!again || *again != *conf) std::abort();
  const cluster::Moment now{1'000'000, 1'700'000'000'000};
  cluster::Cluster core(1, now);
  if (!core.restore(now, *conf)) return 0;
  core.state().checkInvariants();
  const wire::NodesConf kept = cluster::confOf(core.state(), now);
  cluster::Cluster restarted(2, now);
  const auto read = wire::parseNodesConf(wire::formatNodesConf(kept));
  if (!read || !restarted.restore(now, *read)) std::abort();
  (void)restarted.step(now, {}, {}, {});
  return 0;
}
