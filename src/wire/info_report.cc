#include "wire/info_report.h"

#include "base/text.h"
#include "wire/sentinel_hello.h"

namespace vigil::wire {

namespace {

std::optional<uint16_t> parsePort(std::string_view text) {
  const auto port = parseUint64(text);
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

// "ip=10.0.0.2,port=6379,state=online,…" of a line slave<N>. Redis before 2.8: "10.0.0.2,6379,online".
std::optional<InfoReport::Replica> parseReplica(std::string_view value) {
  InfoReport::Replica replica;
  while (!value.empty()) {
    const size_t comma = value.find(',');
    std::string_view field = value.substr(0, comma);
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
    if (field.starts_with("ip=")) replica.host = field.substr(3);
    if (field.starts_with("port=")) replica.port = parsePort(field.substr(5)).value_or(0);
  }
  if (replica.host.empty() || replica.port == 0) return std::nullopt;
  return replica;
}

bool isReplicaLine(std::string_view name) {
  return name.size() > 5 && name.starts_with("slave") && name[5] >= '0' && name[5] <= '9';
}

void takeReplicaField(InfoReport& report, std::string_view name, std::string_view value) {
  if (name == "master_host") {
    report.masterHost = std::string(value);
  } else if (name == "master_port") {
    report.masterPort = parsePort(value);
  } else if (name == "master_link_status") {
    report.masterLinkUp = value == "up";
  } else if (name == "master_link_down_since_seconds") {
    report.masterLinkDownSeconds = parseInt64(value);
  } else if (name == "slave_priority") {
    report.priority = parseInt64(value);
  } else if (name == "slave_repl_offset") {
    report.offset = parseUint64(value);
  } else if (name == "replica_announced") {
    report.announced = value != "0";
  } else if (name == "master_refused") {
    report.masterRefusedEmpty = value == "empty";
  }
}

void takeField(InfoReport& report, std::string_view name, std::string_view value) {
  if (name == "run_id") {
    if (isRunId(value)) report.runId = value;
  } else if (name == "role") {
    if (value == "master" || value == "slave") report.isReplica = value == "slave";
  } else if (name == "master_repl_offset") {
    report.masterOffset = parseUint64(value);
  } else if (isReplicaLine(name)) {
    if (auto replica = parseReplica(value)) report.replicas.push_back(*std::move(replica));
  } else {
    takeReplicaField(report, name, value);
  }
}

}  // namespace

InfoReport parseInfo(std::string_view text) {
  InfoReport report;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    takeField(report, line.substr(0, colon), line.substr(colon + 1));
  }
  return report;
}

}  // namespace vigil::wire
