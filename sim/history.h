// What clients asked and were answered, and whether that can have happened one after another: linearizability.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/model.h"

namespace vigil::sim {

inline constexpr SimTime kNeverAnswered = kForever;

// One operation: a command, or the commands of one MULTI … EXEC, which happen at one moment.
struct Operation {
  int client = 0;
  size_t group = 0;  // operations of different groups share no key
  std::vector<Words> commands;
  SimTime called = 0;
  SimTime answered = kNeverAnswered;  // never: the connection was lost; it happened once, later, or not at all
  std::vector<std::string> answers;   // of each command, as render() has them
};

std::string describe(const Operation& operation);

struct Verdict {
  bool holds = true;
  bool undecided = false;  // the search was given up
  std::string why = {};
};

// Whether one order of the operations exists that respects real time and gives every answer. All of one group.
Verdict checkLinearizable(const std::vector<Operation>& history, const Model& initial = {});

}  // namespace vigil::sim
