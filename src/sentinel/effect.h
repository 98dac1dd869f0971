// What happens to a Sentinel, and what it asks its driver to do, in the order in which it is to be done.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/log_line.h"
#include "sentinel/instance.h"
#include "wire/resp_reply_parser.h"

namespace vigil::sentinel {

// What a command sent to an instance was, so that its answer is understood.
enum class Request : uint8_t { kSetup, kPing, kInfo, kHello, kAskDown, kConfirm, kChangeRole, kFailover, kOther };

struct Event {
  enum class Kind : uint8_t {
    kTick,
    kConnected,  // of `channel`; text: the address that the host was found to have, and `self`: ours on this connection
    kConnectFailed,  // refused: the host itself said so
    kResolved,       // text: the address that the host was found to have, whatever becomes of the attempt
    kBroken,
    kReply,    // to `request`: reply
    kMessage,  // on the hello channel: text
  };
  Kind kind = Kind::kTick;
  InstanceId instance = 0;
  Channel channel = Channel::kCommands;
  uint64_t attempt = 0;
  bool refused = false;
  std::string text = {};
  std::string self = {};
  Request request = Request::kOther;
  wire::RespValue reply = {};
};

struct Effect {
  enum class Kind : uint8_t {
    kPersist,     // write the state file; what is sent from here on waits for it and must not be sent if that fails
    kLog,         // level, text, and behind that the date and time of `moment`, if it is given
    kPublish,     // text to the subscribers of our own clients on the channel `name`
    kConnect,     // `instance`, `channel`, as `attempt`: to `address`
    kDisconnect,  // `instance`, `channel`
    kSend,        // `words` to `instance`, over `channel`; its answer comes back with `request`
    kScript,      // words: path and arguments of a script
    kExit,        // SIMULATE-FAILURE: die at once
  };
  Kind kind;
  LogLevel level = LogLevel::kNotice;
  std::string name = {};
  std::string text = {};
  InstanceId instance = 0;
  Channel channel = Channel::kCommands;
  uint64_t attempt = 0;
  MonoUs moment = 0;
  Address address = {};
  Request request = Request::kOther;
  std::vector<std::string> words = {};
};

using Effects = std::vector<Effect>;

// One line per effect, for transcripts in tests.
std::string describe(const Effects& effects);

}  // namespace vigil::sentinel
