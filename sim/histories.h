// Replication histories that masters began, each with the one that it left, and where: what two nodes have in common.
#pragma once

#include <string>
#include <vector>

#include "oplog/log.h"

namespace vigil::sim {

class Histories {
 public:
  // Of somebody who is a master now.
  void note(const oplog::Log& log);
  // Whose writes count from now on: the present master's.
  void follow(const oplog::Log& log) { last_ = find(log.history().id); }
  // How far a node has the writes of the master that was followed last; -1: it has nothing in common with it.
  oplog::Offset commonEnd(const oplog::Log& log) const;

 private:
  static constexpr size_t kNone = SIZE_MAX;
  struct Branch {
    std::string id;
    size_t parent;
    oplog::Offset from;
  };
  size_t find(const std::string& id) const;

  std::vector<Branch> branches_;
  size_t last_ = 0;
};

}  // namespace vigil::sim
