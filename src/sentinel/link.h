// The two connections to one instance, and what they say about whether it is alive. Fed with `now`; decides nothing.
//
// Commands go over one, the hello channel is subscribed to over the other (not of Sentinels). Times are microseconds of
// a monotonic clock; 0 is never.
#pragma once

#include <cstdint>
#include <string>

#include "base/ports/clock.h"

namespace vigil::sentinel {

enum class Channel : uint8_t { kCommands, kMessages };

struct Connection {
  enum class State : uint8_t { kDown, kConnecting, kUp };
  State state = State::kDown;
  uint64_t attempt = 0;  // of the one that counts; grows: events of others are out of date
  MonoUs tried = 0;      // when the last attempt began
  MonoUs upSince = 0;

  bool up() const { return state == State::kUp; }
};

struct Link {
  explicit Link(MonoUs now) : lastAvailable(now), lastPong(now), lastHeard(now) {}

  Connection commands;
  Connection messages;
  int pending = 0;        // commands without an answer yet
  std::string localHost;  // our address on the last connection: what we tell others, unless the user chose another

  MonoUs lastAvailable;        // a valid answer to a PING
  MonoUs lastPong;             // any answer to a PING
  MonoUs lastHeard;            // anything on the hello channel
  MonoUs lastPing = 0;         // sent
  MonoUs firstUnanswered = 0;  // the PING that waits for a valid answer the longest; 0: none does
  MonoUs refusedSince = 0;     // the host refuses connections, each attempt since then
  MonoUs roundTrip = 0;        // of PINGs, smoothed

  Connection& of(Channel channel) { return channel == Channel::kCommands ? commands : messages; }

  void pingSent(MonoUs now) {
    lastPing = now;
    if (firstUnanswered == 0) firstUnanswered = now;
  }
  void pingAnswered(MonoUs now, bool valid) {
    lastPong = now;
    const MonoUs took = now - lastPing;
    roundTrip = roundTrip == 0 ? took : (roundTrip * 7 + took) / 8;
    if (!valid) return;
    lastAvailable = now;
    firstUnanswered = 0;
  }
  // No connection is as bad as no answer.
  void lost() {
    if (firstUnanswered == 0) firstUnanswered = lastAvailable;
  }
  // For how long the instance has given no valid answer that it owed.
  MonoUs silentFor(MonoUs now) const {
    if (firstUnanswered != 0) return now - firstUnanswered;
    return commands.up() ? 0 : now - lastAvailable;
  }
};

}  // namespace vigil::sentinel
