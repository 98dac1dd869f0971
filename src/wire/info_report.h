// What a Sentinel reads from a server's INFO: who it is, its role, its replicas or its master, how far it has come.
//
// Pure, thread safe. Lines that are unknown or make no sense are passed over: other versions say other things.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::wire {

struct InfoReport {
  struct Replica {
    std::string host;
    uint16_t port = 0;
  };
  std::string runId;
  std::optional<bool> isReplica;  // role:
  std::vector<Replica> replicas;  // of a master

  // Of a replica; a field that was not there keeps what stands here.
  std::optional<std::string> masterHost;
  std::optional<uint16_t> masterPort;
  std::optional<bool> masterLinkUp;
  std::optional<int64_t> masterLinkDownSeconds;  // -1: it was never up since the replica started
  std::optional<int64_t> priority;
  std::optional<uint64_t> offset;  // slave_repl_offset
  std::optional<bool> announced;
  bool masterRefusedEmpty = false;    // its master came back without data: it keeps its own

  std::optional<uint64_t> masterOffset;  // master_repl_offset
};

InfoReport parseInfo(std::string_view text);

}  // namespace vigil::wire
