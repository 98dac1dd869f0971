// The connections to other nodes: opened, kept, and used for pings often enough that a failure shows within the node
// timeout. Nodes in handshake that do not answer are dropped here.
//
// Not thread safe; within a Step.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cluster/failure.h"
#include "cluster/speaker.h"
#include "cluster/step.h"

namespace vigil::cluster {

class Links {
 public:
  Links(State& state, Step& step, Speaker& speaker, FailureDetector& failures)
      : state_(state), step_(step), speaker_(speaker), failures_(failures) {}

  void tick();
  void connected(LinkId link);
  void closed(LinkId link, bool refused);
  void connect(Node& node);
  void close(Node& node);   // our link to it; tick() opens another
  void remove(Node& node);  // the node and its links

  // Begins to get to know who is at that address; false if that is under way.
  bool meet(std::string address, uint16_t port, uint16_t busPort, uint16_t flags = kMeet);

  // FORGET: for a while nobody's gossip brings it back.
  void ban(const std::string& id, MonoUs duration) { banned_[id] = step_.now.mono + duration; }
  bool banned(const std::string& id);

 private:
  void keepLink(Node& node);
  void pingOldest();
  MonoUs handshakeTimeout() const;

  State& state_;
  Step& step_;
  Speaker& speaker_;
  FailureDetector& failures_;
  LinkId lastLink_ = 0;
  MonoUs lastRandomPing_ = 0;
  std::map<std::string, MonoUs> banned_;  // until when
};

}  // namespace vigil::cluster
