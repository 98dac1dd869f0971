#include "wire/nodes_conf.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/text.h"
#include "wire/cluster_bus.h"

namespace vigil::wire {

namespace {

struct FlagName {
  uint16_t flag;
  std::string_view name;
};
// In the order in which Redis prints them.
constexpr FlagName kFlagNames[] = {
    {kMyself, "myself"}, {kMaster, "master"},       {kReplica, "slave"},  {kPfail, "fail?"},
    {kFail, "fail"},     {kHandshake, "handshake"}, {kNoAddress, "noaddr"}, {kNoFailover, "nofailover"},
};

bool isId(std::string_view word) {
  return word.size() == kNodeIdSize &&
         std::all_of(word.begin(), word.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); });
}

// Neither blanks nor what separates the fields of an address, so that it is written as it was read.
bool isPlain(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == ':' || c == '-' || c == '_' || c == '%';
  });
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<uint16_t> parseUpTo(std::string_view text, uint64_t greatest) {
  const auto value = parseUint64(text);
  if (!value || *value > greatest) return std::nullopt;
  return static_cast<uint16_t>(*value);
}
std::optional<uint16_t> parseSlot(std::string_view text) { return parseUpTo(text, kSlotCount - 1); }

// ip:port@bus[,host[,name=value …]]; before Redis 4 without the bus port.
Status parseAddress(std::string_view word, NodeLine& line) {
  const auto parts = split(word, ',');
  if (parts.size() > 1) line.hostName = parts[1];
  for (size_t i = 2; i < parts.size(); ++i) {
    if (!parts[i].starts_with("shard-id=")) continue;
    line.shardId = parts[i].substr(9);
    if (!isId(line.shardId)) return fail("a shard's id that is none");
  }
  std::string_view address = parts[0];
  const size_t at = address.rfind('@');
  const std::string_view busPort = at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
  address = address.substr(0, at);
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return fail("an address without a port");
  line.address = address.substr(0, colon);
  if (!isPlain(line.address) || !isPlain(line.hostName)) return fail("an address that is none");
  const auto port = parseUpTo(address.substr(colon + 1), UINT16_MAX);
  if (!port) return fail("a port that is no number");
  line.port = *port;
  const auto bus = busPort.empty() ? std::optional<uint16_t>(static_cast<uint16_t>(*port + 10000))
                                   : parseUpTo(busPort, UINT16_MAX);
  if (!bus) return fail("a bus port that is no number");
  line.busPort = *bus;
  return {};
}

Status parseFlags(std::string_view word, NodeLine& line) {
  if (word == "noflags") return {};
  for (std::string_view name : split(word, ',')) {
    const auto* known = std::ranges::find(kFlagNames, name, &FlagName::name);
    if (known == std::end(kFlagNames)) return fail("the unknown flag '" + std::string(name) + "'");
    line.flags = static_cast<uint16_t>(line.flags | known->flag);
  }
  return {};
}

// [7->-<id>] or [7-<-<id>]
Status parseMove(std::string_view word, NodeLine& line) {
  const size_t dash = word.find('-');
  if (!word.ends_with(']') || dash == std::string_view::npos || word.size() < dash + 4) return fail("a broken slot");
  const auto slot = parseSlot(word.substr(1, dash - 1));
  const std::string_view direction = word.substr(dash, 3);
  const std::string_view id = word.substr(dash + 3, word.size() - dash - 4);
  if (!slot || !isId(id) || (direction != "->-" && direction != "-<-")) return fail("a broken slot");
  (direction == "->-" ? line.migrating : line.importing).emplace_back(*slot, id);
  return {};
}

Status parseSlots(std::string_view word, NodeLine& line) {
  if (word.starts_with('[')) return parseMove(word, line);
  const size_t dash = word.find('-');
  const auto first = parseSlot(word.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : parseSlot(word.substr(dash + 1));
  if (!first || !last || *first > *last) return fail("a broken range of slots");
  line.slots.push_back({*first, *last});
  return {};
}

Status parseNode(const std::vector<std::string>& words, NodeLine& line) {
  constexpr size_t kFields = 8;
  if (words.size() < kFields) return fail("too few fields");
  if (!isId(words[0])) return fail("a node id that is none");
  line.id = words[0];
  if (auto s = parseAddress(words[1], line); !s) return s;
  if (auto s = parseFlags(words[2], line); !s) return s;
  if (words[3] != "-") {
    if (!isId(words[3])) return fail("a master's id that is none");
    line.masterId = words[3];
  }
  const auto ping = parseInt64(words[4]);
  const auto pong = parseInt64(words[5]);
  const auto epoch = parseUint64(words[6]);
  if (!ping || !pong || !epoch) return fail("a time or an epoch that is no number");
  line.pingSent = *ping;
  line.pongReceived = *pong;
  line.configEpoch = *epoch;
  line.connected = words[7] == "connected";
  for (size_t i = kFields; i < words.size(); ++i) {
    if (auto s = parseSlots(words[i], line); !s) return s;
  }
  return {};
}

Status parseVars(const std::vector<std::string>& words, NodesConf& conf) {
  if (words.size() % 2 == 0) return fail("'vars' and names without their values");
  for (size_t i = 1; i + 1 < words.size(); i += 2) {
    const auto value = parseUint64(words[i + 1]);
    if (!value) return fail("an epoch that is no number");
    if (words[i] == "currentEpoch") conf.currentEpoch = *value;
    if (words[i] == "lastVoteEpoch") conf.lastVoteEpoch = *value;
  }
  return {};
}

Status parseLine(std::string_view text, NodesConf& conf) {
  const auto words = splitArguments(text);
  if (!words) return fail("an open quote");
  if (words->empty()) return {};
  if (words->front() == "vars") return parseVars(*words, conf);
  return parseNode(*words, conf.nodes.emplace_back());
}

Status checkWhole(const NodesConf& conf) {
  const auto myselves = std::ranges::count_if(conf.nodes, [](const NodeLine& n) { return (n.flags & kMyself) != 0; });
  if (!conf.nodes.empty() && myselves != 1) return fail("one line must have the flag 'myself'");
  return {};
}

}  // namespace

std::string flagNames(uint16_t flags) {
  std::string text;
  for (const auto& [flag, name] : kFlagNames) {
    if ((flags & flag) == 0) continue;
    if (!text.empty()) text += ',';
    text += name;
  }
  return text.empty() ? "noflags" : text;
}

std::string formatNodeLine(const NodeLine& line) {
  std::string out = line.id + ' ' + line.address + ':' + std::to_string(line.port) + '@' + std::to_string(line.busPort);
  if (!line.hostName.empty() || !line.shardId.empty()) out += ',' + line.hostName;
  if (!line.shardId.empty()) out += ",shard-id=" + line.shardId;
  out += ' ' + flagNames(line.flags) + ' ' + (line.masterId.empty() ? "-" : line.masterId);
  out += ' ' + std::to_string(line.pingSent) + ' ' + std::to_string(line.pongReceived) + ' ' +
         std::to_string(line.configEpoch);
  out += line.connected ? " connected" : " disconnected";
  for (const SlotRange& range : line.slots) {
    out += ' ' + std::to_string(range.first);
    if (range.last != range.first) out += '-' + std::to_string(range.last);
  }
  for (const auto& [slot, id] : line.migrating) out += " [" + std::to_string(slot) + "->-" + id + ']';
  for (const auto& [slot, id] : line.importing) out += " [" + std::to_string(slot) + "-<-" + id + ']';
  return out;
}

std::string formatNodesConf(const NodesConf& conf) {
  std::string out;
  for (const NodeLine& line : conf.nodes) out += formatNodeLine(line) + '\n';
  out += "vars currentEpoch " + std::to_string(conf.currentEpoch) + " lastVoteEpoch " +
         std::to_string(conf.lastVoteEpoch) + '\n';
  return out;
}

Result<NodesConf> parseNodesConf(std::string_view text) {
  NodesConf conf;
  size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    if (auto parsed = parseLine(line, conf); !parsed) {
      return fail("line " + std::to_string(number) + ": " + parsed.error().message);
    }
  }
  if (auto whole = checkWhole(conf); !whole) return std::unexpected(whole.error());
  return conf;
}

}  // namespace vigil::wire
