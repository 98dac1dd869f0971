#include "sim/model.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vigil::sim {

namespace {

constexpr char kWrongType[] = "-WRONGTYPE";

std::string number(int64_t value) { return ":" + std::to_string(value); }

std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::string render(const wire::RespValue& value) {
  using Kind = wire::RespValue::Kind;
  switch (value.kind) {
    case Kind::kNull:
      return "(nil)";
    case Kind::kSimple:
      return "+" + value.text;
    case Kind::kError:
      return "-" + value.text.substr(0, value.text.find(' '));
    case Kind::kInteger:
      return number(value.integer);
    case Kind::kBulk:
      return "$" + value.text;
    default:
      break;
  }
  std::string out = "[";
  for (const auto& item : value.items) {
    if (out.size() > 1) out += ", ";
    out += render(item);
  }
  return out + "]";
}

std::string brief(const Words& command) {
  std::string out;
  for (const auto& word : command) {
    if (!out.empty()) out += ' ';
    out += word.size() > 24 ? word.substr(0, 20) + "..." : word;
    if (out.size() > 80) return out.substr(0, 77) + "...";
  }
  return out;
}

ModelValue* Model::find(const std::string& key) {
  auto at = keys.find(key);
  return at == keys.end() ? nullptr : &at->second;
}

std::string Model::set(const Words& command, Window when) {
  ModelValue value;
  value.text = command[2];
  for (size_t i = 3; i + 1 < command.size(); ++i) {
    if (upper(command[i]) != "PX") continue;
    SimTime life = std::stoll(command[i + 1]) * kMs;
    value.expiresAfter = when.from + life - kMs;  // the server's clock counts whole milliseconds
    value.expiresBefore = when.to > kForever - life - kMs ? kForever : when.to + life + kMs;
  }
  keys[command[1]] = std::move(value);
  return "+OK";
}

std::string Model::add(const std::string& key, int64_t delta) {
  ModelValue* value = find(key);
  if (!value) {
    keys[key].text = std::to_string(delta);
    return number(delta);
  }
  if (value->isList) return kWrongType;
  int64_t old = 0;
  auto [end, error] = std::from_chars(value->text.data(), value->text.data() + value->text.size(), old);
  if (error != std::errc() || end != value->text.data() + value->text.size()) return "-ERR";
  value->text = std::to_string(old + delta);
  return number(old + delta);
}

std::string Model::push(const Words& command, bool left) {
  ModelValue& value = keys[command[1]];
  if (value.text.empty() && value.items.empty()) value.isList = true;
  if (!value.isList) return kWrongType;
  for (size_t i = 2; i < command.size(); ++i) {
    value.items.insert(left ? value.items.begin() : value.items.end(), command[i]);
  }
  return number(static_cast<int64_t>(value.items.size()));
}

std::string Model::pop(const std::string& key, bool left) {
  ModelValue* value = find(key);
  if (!value) return "(nil)";
  if (!value->isList) return kWrongType;
  auto at = left ? value->items.begin() : value->items.end() - 1;
  std::string item = "$" + *at;
  value->items.erase(at);
  if (value->items.empty()) keys.erase(key);
  return item;
}

std::string Model::range(const std::string& key) {
  ModelValue* value = find(key);
  if (value && !value->isList) return kWrongType;
  std::string out = "[";
  if (value) {
    for (const auto& item : value->items) out += (out.size() > 1 ? ", $" : "$") + item;
  }
  return out + "]";
}

std::string Model::blockingPop(const Words& command) {
  if (std::string key = std::exchange(preferredKey, {}); find(key)) return "[$" + key + ", " + pop(key, true) + "]";
  for (size_t i = 1; i + 1 < command.size(); ++i) {
    if (find(command[i])) return "[$" + command[i] + ", " + pop(command[i], true) + "]";
  }
  return "(nil)";
}

// LMOVE source target LEFT|RIGHT LEFT|RIGHT
std::string Model::move(const Words& command) {
  if (!find(command[1])) return "(nil)";
  if (ModelValue* target = find(command[2]); target && !target->isList) return kWrongType;
  std::string item = pop(command[1], upper(command[3]) == "LEFT");
  if (item[0] == '-') return item;
  push({"", command[2], item.substr(1)}, upper(command[4]) == "LEFT");
  return item;
}

std::string Model::run(const Words& command, Window when) {
  std::string verb = upper(command[0]);
  if (verb == "GET") {
    ModelValue* value = find(command[1]);
    if (!value) return "(nil)";
    return value->isList ? kWrongType : "$" + value->text;
  }
  if (verb == "SET") return set(command, when);
  if (verb == "CAS") {  // WATCH, GET, then MULTI SET EXEC that went through
    ModelValue* value = find(command[1]);
    std::string now = value ? "$" + value->text : "(nil)";
    if (now != command[2]) return "-CAS " + now;
    return set({"SET", command[1], command[3]}, when);
  }
  if (verb == "SWAPDB") return "+OK";  // of two databases that nobody uses: it takes the world
  if (verb == "INCR") return add(command[1], 1);
  if (verb == "INCRBY") return add(command[1], std::stoll(command[2]));
  if (verb == "APPEND") {
    ModelValue& value = keys[command[1]];
    if (value.isList) return kWrongType;
    value.text += command[2];
    return number(static_cast<int64_t>(value.text.size()));
  }
  if (verb == "DEL" || verb == "UNLINK") {
    int64_t gone = 0;
    for (size_t i = 1; i < command.size(); ++i) gone += static_cast<int64_t>(keys.erase(command[i]));
    return number(gone);
  }
  if (verb == "RPUSH" || verb == "LPUSH") return push(command, verb == "LPUSH");
  if (verb == "LPOP" || verb == "RPOP") return pop(command[1], verb == "LPOP");
  if (verb == "LRANGE") return range(command[1]);
  if (verb == "BLPOP") return blockingPop(command);
  if (verb == "LMOVE" || verb == "BLMOVE") return move(command);
  return "-UNKNOWN " + verb;
}

void Model::restore(const Words& read, const std::string& answer) {
  if (answer.starts_with('$')) {
    keys[read[1]].text = answer.substr(1);
  } else if (answer.size() > 2 && answer.starts_with('[')) {
    ModelValue& value = keys[read[1]];
    value.isList = true;
    for (size_t at = 1; at < answer.size();) {
      size_t end = std::min(answer.find(", ", at), answer.size() - 1);
      value.items.push_back(answer.substr(at + 1, end - at - 1));
      at = end + 2;
    }
  }
}

std::string Model::fingerprint() const {
  std::string out;
  for (const auto& [key, value] : keys) {
    out += key;
    out += value.isList ? '#' : '=';
    out += value.text;
    for (const auto& item : value.items) (out += item) += ',';
    if (value.expiresBefore != 0)
      out += '~' + std::to_string(value.expiresAfter) + '~' + std::to_string(value.expiresBefore);
    out += ';';
  }
  return out;
}

}  // namespace vigil::sim
