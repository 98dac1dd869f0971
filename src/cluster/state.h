// What a node knows of its cluster: the nodes, who owns which slot, the epochs. Data with the few changes that must keep
// it consistent; what to decide from it is the business of the classes around it.
//
// Not thread safe.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/node.h"

namespace vigil::cluster {

class State {
 public:
  // Alone in its cluster: a master without slots.
  State(std::string id, std::string shardId, MonoUs now);

  // --- Nodes ---
  Node& myself() { return *myself_; }
  const Node& myself() const { return *myself_; }
  Node* find(std::string_view id);
  const Node* find(std::string_view id) const { return const_cast<State*>(this)->find(id); }
  Node* findLink(LinkId link);  // whose outgoing or incoming link that is
  using Nodes = std::map<std::string, std::unique_ptr<Node>, std::less<>>;
  const Nodes& nodes() const { return nodes_; }  // by id
  Node& add(std::string id, uint16_t flags, std::string shardId, MonoUs now);
  void rename(Node& node, std::string id);
  void remove(Node& node);  // its slots become nobody's, its replicas masterless
  void forgetAllOthers();

  std::vector<Node*> replicasOf(const Node& master) const;
  size_t voters() const;  // masters with slots
  size_t quorum() const { return voters() / 2 + 1; }

  void makeMaster(Node& node);
  void makeReplica(Node& node, Node* master);  // its slots become nobody's

  // --- Slots ---
  Node* owner(size_t slot) const { return owners_[slot]; }
  void assign(size_t slot, Node* node);  // nullptr: nobody's
  SlotSet unclaimed;                     // their owners no longer say that they own them; anybody may have them
  std::map<uint16_t, Node*> migrating;   // slots of ours on their way to another node
  std::map<uint16_t, Node*> importing;   // slots of others on their way to us

  // Of atomic migrations. Both are changed by SlotMigrations.
  SlotSet held;       // of ours, or promised: commands on them wait until it is known whose they are
  SlotSet handedOff;  // our master may have given them away: whoever takes its place must ask first
  // Serving: as Health decided.
  bool up = false;

  // --- Epochs. Durable; they only grow, but for CLUSTER RESET. ---
  uint64_t currentEpoch = 0;   // the greatest that was seen
  uint64_t lastVoteEpoch = 0;  // in which we last voted

  uint64_t greatestEpoch() const;  // of all that is known

  void checkInvariants() const;  // aborts where something is wrong

 private:
  Nodes nodes_;
  Node* myself_;
  std::array<Node*, kSlotCount> owners_{};
};

}  // namespace vigil::cluster
