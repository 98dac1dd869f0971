// Packets of the cluster bus, one after another: what was understood is written and understood the same, and a node
// that is fed with them keeps a state that nodes.conf can hold.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cluster/cluster.h"
#include "cluster/node_lines.h"
#include "wire/cluster_bus.h"
#include "wire/nodes_conf.h"

using namespace vigil;

namespace {

// The node itself, another master and a replica of ours: senders that a packet of the corpus may have.
std::string knownNodes() {
  const std::string a(40, 'a'), b(40, 'b'), c(40, 'c');
  return a + " 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8191\n" +  //
         b + " 10.0.0.2:7001@17001 master - 0 0 2 connected 8192-16383\n" + c + " 10.0.0.3:7002@17002 slave " + a +
         " 0 0 1 connected\n" + "vars currentEpoch 2 lastVoteEpoch 0\n";
}

class FedNode {
 public:
  FedNode() {
    if (!core_.restore(now_, *wire::parseNodesConf(knownNodes()))) std::abort();
    options_.port = 7000;
    options_.busPort = 17000;
    step({});  // opens its links
  }

  void feed(wire::BusMessage message) {
    cluster::Event event{.kind = cluster::Event::Kind::kPacket, .link = cluster::kInbound | 1};
    event.message = std::move(message);
    event.peerAddress = "10.0.0.9";
    event.localAddress = "10.0.0.1";
    step(event);
    event.link = 1;  // ours to somebody, if it stands: as an answer
    step(event);
  }
  void tick() { step({}); }

  void checkConf() const {
    const wire::NodesConf conf = cluster::confOf(core_.state(), now_);
    const auto read = wire::parseNodesConf(wire::formatNodesConf(conf));
    if (!read || read->nodes.size() != conf.nodes.size() || read->currentEpoch != conf.currentEpoch) std::abort();
    cluster::Cluster again(2, now_);
    if (!again.restore(now_, *read)) std::abort();
  }

 private:
  void step(const cluster::Event& event) {
    now_.mono += 10'000;
    now_.wall += 10;
    const auto effects = core_.step(now_, {}, options_, event);
    for (const auto& effect : effects) {
      if (effect.kind != cluster::Effect::Kind::kConnect) continue;
      (void)core_.step(now_, {}, options_, {.kind = cluster::Event::Kind::kConnected, .link = effect.link});
    }
    core_.state().checkInvariants();
  }

  cluster::Moment now_{1'000'000, 1'700'000'000'000};
  cluster::Options options_;
  cluster::Cluster core_{1, now_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  FedNode node;
  while (rest.size() >= wire::kBusPrefixSize) {
    const auto length = wire::busPacketLength(rest.substr(0, wire::kBusPrefixSize));
    if (!length || *length > rest.size()) break;
    const auto message = wire::decodeBusPacket(rest.substr(0, *length));
    rest.remove_prefix(*length);
    if (!message) continue;
    const std::string written = wire::encodeBusPacket(*message);
    const auto again = wire::decodeBusPacket(written);
    if (!again || wire::encodeBusPacket(*again) != written) std::abort();
    node.feed(*message);
  }
  node.tick();
  node.checkConf();
  return 0;
}
