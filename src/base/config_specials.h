// Options of several words that several parts of the server ask for, as values and as types for their rows of CONFIG.
//
// Each *Option() binds a value of its owner like those in config_types.h; what it holds then is the default. Texts of
// errors are Redis's.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_types.h"
#include "base/shared_value.h"

namespace vigil {

// save: a snapshot is due when `seconds` have passed and at least `changes` keys changed.
struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
  bool operator==(const SavePoint&) const = default;
};
using SavePoints = std::vector<SavePoint>;
inline const SavePoints kDefaultSavePoints = {{3600, 1}, {300, 100}, {60, 10000}};
// The file's first line replaces the default, later ones add; an empty word clears.
OptionTypePtr savePointsOption(Shared<SavePoints>& value);

// client-output-buffer-limit: 0 is no limit.
struct OutputBufferLimit {
  uint64_t hardBytes = 0;
  uint64_t softBytes = 0;
  int64_t softSeconds = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};
struct OutputBufferLimits {
  enum Class { kNormal = 0, kReplica = 1, kPubSub = 2 };
  std::array<OutputBufferLimit, 3> of = {{{0, 0, 0}, {256 << 20, 64 << 20, 60}, {32 << 20, 8 << 20, 60}}};
  bool operator==(const OutputBufferLimits&) const = default;
};
OptionTypePtr outputBufferLimitsOption(Shared<OutputBufferLimits>& value);

// bind: addresses to listen on; a leading - says that it may be missing on this machine.
using AddressList = std::vector<std::string>;
OptionTypePtr addressListOption(Shared<AddressList>& value);

// replicaof: no host means that this server is a master. `no one` is accepted too.
struct MasterAddress {
  std::string host;
  uint16_t port = 0;
  bool operator==(const MasterAddress&) const = default;
};
OptionTypePtr masterAddressOption(Shared<MasterAddress>& value);

// latency-tracking-info-percentiles
OptionTypePtr percentilesOption(Shared<std::vector<double>>& value);

// Several integers in one line, exactly as many as the default has: oom-score-adj-values.
OptionTypePtr integerListOption(Shared<std::vector<int64_t>>& value, int64_t min, int64_t max);

// shutdown-on-sigint, shutdown-on-sigterm: the words of SHUTDOWN as flags.
namespace shutdownFlag {
inline constexpr int kSave = 1, kNoSave = 2, kNow = 4, kForce = 8;
}
OptionTypePtr shutdownFlagsOption(std::atomic<int>& flags);

// For stringOption(): the name of a file without a folder (dbfilename, appendfilename); `option` is named in the text.
std::function<Status(const std::string&)> fileNameValidator(std::string option, bool mayBeEmpty);
// cluster-announce-hostname
Status validateHostName(const std::string& name);
// proc-title-template: {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, {unixsocket}, {config-file}.
Status validateTitleTemplate(const std::string& text);

// notify-keyspace-events as bits.
namespace keyspaceEvent {
inline constexpr int kKeyspace = 1 << 0, kKeyevent = 1 << 1, kGeneric = 1 << 2, kString = 1 << 3, kList = 1 << 4,
                     kSet = 1 << 5, kHash = 1 << 6, kSortedSet = 1 << 7, kExpired = 1 << 8, kEvicted = 1 << 9,
                     kStream = 1 << 10, kKeyMiss = 1 << 11, kModule = 1 << 13, kNew = 1 << 14;
inline constexpr int kAll = kGeneric | kString | kList | kSet | kHash | kSortedSet | kExpired | kEvicted | kStream |
                            kModule;  // A: without key misses and new keys
}  // namespace keyspaceEvent
Result<int> parseKeyspaceEvents(std::string_view letters);
std::string keyspaceEventsText(int events);
OptionTypePtr keyspaceEventsOption(std::atomic<int>& value);

}  // namespace vigil
