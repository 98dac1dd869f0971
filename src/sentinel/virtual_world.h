// For tests: Sentinel cores, and servers that know no more than a Sentinel sees of one, in virtual time.
//
// Whatever is sent arrives after a delay, in order on each connection; a host that hangs takes what is sent and says
// nothing; one that is dead refuses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sentinel/administration.h"
#include "sentinel/discovery.h"
#include "sentinel/judgement.h"
#include "sentinel/sentinel.h"

namespace vigil::sentinel {

class VirtualWorld {
 public:
  static constexpr uint16_t kMasterPort = 6001;
  static constexpr uint16_t kFirstSentinelPort = 7001;
  enum class Health { kUp, kHung, kDead };

  struct Server {
    uint16_t port = 0;
    Health health = Health::kUp;
    bool isReplica = false;
    uint16_t master = 0;
    uint64_t offset = 100;
    int64_t priority = 100;
    std::string runId;
  };
  struct Node {
    uint16_t port = 0;
    Health health = Health::kUp;
    std::unique_ptr<Sentinel> core;
    std::string id;
    std::vector<std::string> events;  // "+sdown master m …"
    MonoUs nextTick = 0;
    MonoUs offset = 0;  // of its clock
  };

  VirtualWorld(size_t replicas, size_t sentinels, const std::string& settings, uint64_t seed);

  // Lets time pass until the condition holds; false: it did not within that time.
  bool runUntil(const std::function<bool()>& condition, MonoUs within);
  void run(MonoUs duration) {
    runUntil([] { return false; }, duration);
  }

  Server& server(uint16_t port) { return servers_.at(port); }
  Node& node(size_t i) { return nodes_[i]; }
  std::vector<Node>& nodes() { return nodes_; }
  MonitoredMaster& master(size_t node) { return *nodes_[node].core->state().find("m"); }
  // What a core does on its own account.
  void perform(Node& node, const std::function<void(Step&)>& act);
  // All know all others and all replicas.
  bool settled();
  // All that are up agree that this server is the master, and all servers that are up follow it.
  bool converged(uint16_t port);
  void kill(uint16_t port) { break_(port, Health::kDead); }
  void hang(uint16_t port) { setHealth(port, Health::kHung); }
  void revive(uint16_t port) { setHealth(port, Health::kUp); }
  bool saw(size_t node, const std::string& event) const;
  // By epoch, who was elected: more than one is a breach of safety.
  const std::map<uint64_t, std::set<std::string>>& leaders() const { return leaders_; }
  MonoUs now() const { return now_; }

  bool drops = false;  // every tenth message is lost, with its connection

 private:
  struct Wire {  // a connection of a Sentinel to an instance
    uint16_t to = 0;
    uint64_t attempt = 0;
    bool up = false;
    MonoUs lastArrival = 0;
  };
  using WireKey = std::tuple<size_t, InstanceId, Channel>;

  void setHealth(uint16_t port, Health health);
  void break_(uint16_t port, Health health);
  Health healthOf(uint16_t port) const;
  void later(MonoUs at, std::function<void()> what) { agenda_.emplace(std::pair(at, sequence_++), std::move(what)); }
  MonoUs delay() { return ms(1) + static_cast<MonoUs>(random(3000)); }
  uint64_t random(uint64_t below);
  void step(size_t node, const Event& event);
  void carryOut(size_t node, const Effects& effects);
  void connect(size_t node, const Effect& effect);
  void send(size_t node, const Effect& effect);
  void arrive(size_t node, const Effect& effect, uint16_t at);
  wire::RespValue answer(size_t node, const Effect& effect, uint16_t at);
  wire::RespValue answerOfServer(Server& server, const std::vector<std::string>& words);
  wire::RespValue answerOfSentinel(Node& asked, const std::vector<std::string>& words);
  void publish(Server& server, const std::string& text);
  std::string info(const Server& server) const;
  Node* nodeAt(uint16_t port);
  size_t indexOf(const Node& node) const { return static_cast<size_t>(&node - nodes_.data()); }

  MonoUs now_ = ms(1000);
  uint64_t dice_;
  uint64_t sequence_ = 0;
  std::map<std::pair<MonoUs, uint64_t>, std::function<void()>> agenda_;
  std::map<uint16_t, Server> servers_;
  std::vector<Node> nodes_;
  std::map<WireKey, Wire> wires_;
  std::map<uint64_t, std::set<std::string>> leaders_;
};

}  // namespace vigil::sentinel
