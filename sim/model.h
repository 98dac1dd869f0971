// The data set as the workload's commands should make it: a small interpreter that says what each command must answer.
//
// Answers are compared as text: "(nil)", ":5", "$bulk", "+OK", "-ERR", "[a, b]" (an error is known by its first word).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/sim_world.h"
#include "wire/resp_reply_parser.h"

namespace vigil::sim {

using Words = std::vector<std::string>;

std::string render(const wire::RespValue& value);
// At most about 80 characters of a command, for traces.
std::string brief(const Words& command);

struct ModelValue {
  bool isList = false;
  std::string text;
  std::vector<std::string> items;
  // The key expires at some moment in between (virtual time); 0: never.
  SimTime expiresAfter = 0;
  SimTime expiresBefore = 0;
  bool operator==(const ModelValue&) const = default;
};

// When the command runs: at some moment in this window.
struct Window {
  SimTime from = 0;
  SimTime to = 0;
};

class Model {
 public:
  std::map<std::string, ModelValue> keys;
  // From which of its keys the next blocking pop is served, if it can be; the first that has items otherwise.
  std::string preferredKey = {};

  // Runs one command; the answer is what a server must say.
  std::string run(const Words& command, Window when);
  // A key as a GET or an LRANGE found it.
  void restore(const Words& read, const std::string& answer);
  std::string fingerprint() const;

 private:
  ModelValue* find(const std::string& key);
  std::string set(const Words& command, Window when);
  std::string add(const std::string& key, int64_t delta);
  std::string push(const Words& command, bool left);
  std::string pop(const std::string& key, bool left);
  std::string range(const std::string& key);
  std::string blockingPop(const Words& command);
  std::string move(const Words& command);
};

}  // namespace vigil::sim
