#include "wire/sentinel_hello.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"

namespace vigil::wire {

namespace {

constexpr size_t kFields = 8;
constexpr size_t kRunIdDigits = 40;

std::optional<std::array<std::string_view, kFields>> split(std::string_view text) {
  std::array<std::string_view, kFields> fields;
  for (size_t i = 0; i < kFields; ++i) {
    const size_t comma = text.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == kFields)) return std::nullopt;
    fields[i] = text.substr(0, comma);
    if (fields[i].empty()) return std::nullopt;
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return fields;
}

std::optional<uint16_t> parsePort(std::string_view text) {
  const auto port = parseUint64(text);
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

// No number of elections leads near the greatest number, behind which there is no epoch any more: who names one lies.
std::optional<uint64_t> parseEpoch(std::string_view text) {
  const auto epoch = parseUint64(text);
  return epoch && *epoch <= INT64_MAX ? epoch : std::nullopt;
}

}  // namespace

bool isRunId(std::string_view text) {
  return text.size() == kRunIdDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string formatHello(const SentinelHello& hello) {
  std::string text = hello.host;
  text.append(",").append(std::to_string(hello.port));
  text.append(",").append(hello.id);
  text.append(",").append(std::to_string(hello.epoch));
  text.append(",").append(hello.masterName);
  text.append(",").append(hello.masterHost);
  text.append(",").append(std::to_string(hello.masterPort));
  text.append(",").append(std::to_string(hello.masterConfigEpoch));
  return text;
}

std::optional<SentinelHello> parseHello(std::string_view text) {
  const auto fields = split(text);
  if (!fields) return std::nullopt;
  const auto& [host, port, id, epoch, masterName, masterHost, masterPort, masterEpoch] = *fields;
  const auto portNumber = parsePort(port);
  const auto masterPortNumber = parsePort(masterPort);
  const auto epochNumber = parseEpoch(epoch);
  const auto masterEpochNumber = parseEpoch(masterEpoch);
  if (!portNumber || !masterPortNumber || !epochNumber || !masterEpochNumber || !isRunId(id)) return std::nullopt;
  SentinelHello hello;
  hello.host = host;
  hello.port = *portNumber;
  hello.id = id;
  hello.epoch = *epochNumber;
  hello.masterName = masterName;
  hello.masterHost = masterHost;
  hello.masterPort = *masterPortNumber;
  hello.masterConfigEpoch = *masterEpochNumber;
  return hello;
}

}  // namespace vigil::wire
