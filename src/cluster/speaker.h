// What this node says on the bus: headers that describe it, gossip of others, and the packets of each kind.
//
// Not thread safe; within a Step.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/step.h"

namespace vigil::cluster {

class Speaker {
 public:
  Speaker(State& state, Step& step) : state_(state), step_(step) {}

  void ping(Node& to, BusType type = BusType::kPing);  // PING or MEET, on our link to it
  void pong(LinkId link, const Node* to);              // an answer; `to` may be unknown
  // A PONG to all, so that all know what changed about us.
  void announce();
  // A PONG to the other replicas of our master: where we stand.
  void announceToSiblings();
  // A PONG to one, with gossip of those who fail: evidence need not wait for the next ping.
  void report(Node& to);

  void failed(const Node& node);                         // FAIL, to all
  void update(Node& to, const Node& owner);              // UPDATE: who really owns slots
  void requestVotes(const Node* failed, bool force);  // to all; of our master, if it failed, FAIL stands before on each link
  void vote(Node& to);
  void requestManualFailover(Node& master);
  void forget(const Node& node, uint64_t seconds);  // to those who know that extension
  void publish(std::string_view channel, std::string_view payload, bool shard);

  void setPaused(bool paused) { paused_ = paused; }  // the header says that our clients are paused

  uint64_t sent(BusType type) const { return sent_[static_cast<size_t>(type)]; }
  void clearCounts() { sent_ = {}; }

 private:
  BusMessage header(BusType type) const;
  void addGossip(BusMessage& message, const Node* to);
  void addExtensions(BusMessage& message, const Node* to) const;
  BusGossip describe(const Node& node) const;
  void send(LinkId link, const BusMessage& message);
  void broadcast(const BusMessage& message);
  void sendPong(Node& to);

  State& state_;
  Step& step_;
  bool paused_ = false;
  std::array<uint64_t, kBusTypes> sent_{};
};

}  // namespace vigil::cluster
