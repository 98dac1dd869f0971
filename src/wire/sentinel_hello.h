// What Sentinels say of themselves and of a master on the channel __sentinel__:hello, by which they find each other:
//
//   ip,port,id,current_epoch,master_name,master_ip,master_port,master_config_epoch
//
// Pure, thread safe. Peers are hostile: whatever is not exactly that is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vigil::wire {

inline constexpr std::string_view kHelloChannel = "__sentinel__:hello";

struct SentinelHello {
  std::string host;  // of the Sentinel that speaks
  uint16_t port = 0;
  std::string id;  // 40 hexadecimal digits
  uint64_t epoch = 0;
  std::string masterName;
  std::string masterHost;
  uint16_t masterPort = 0;
  uint64_t masterConfigEpoch = 0;
  bool operator==(const SentinelHello&) const = default;
};

std::string formatHello(const SentinelHello& hello);
std::optional<SentinelHello> parseHello(std::string_view text);

// 40 hexadecimal digits in lower case: what a Sentinel and a server go by.
bool isRunId(std::string_view text);

}  // namespace vigil::wire
