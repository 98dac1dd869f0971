// CLIENT PAUSE and the pauses of hand-overs: which commands wait, and until when. Set with the world held, so that no
// command runs while it changes; read by every command.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>

#include "base/ports/clock.h"

namespace vigil::engine {

class Pause {
 public:
  enum class Kind : uint8_t { kNone, kWrites, kAll };
  enum class Purpose : uint8_t { kClient, kFailover, kShutdown, kReload };  // each has its own end; the stricter one counts

  Kind kind() const { return kind_.load(std::memory_order_relaxed); }
  bool active() const { return kind() != Kind::kNone; }
  bool activeFor(Purpose purpose) const {
    return (purposes_.load(std::memory_order_relaxed) & (1u << static_cast<unsigned>(purpose))) != 0;
  }

  // World held. An existing pause of the same purpose is only ever made longer and stricter.
  void set(Purpose purpose, Kind kind, UnixMs until) {
    Entry& entry = entries_[static_cast<size_t>(purpose)];
    entry.kind = std::max(entry.kind, kind);
    entry.until = std::max(entry.until, until);
    update();
  }
  void clear(Purpose purpose) {
    entries_[static_cast<size_t>(purpose)] = {};
    update();
  }
  // Ends what has passed; true if something ended. World held.
  bool expire(UnixMs now) {
    bool ended = false;
    for (Entry& entry : entries_) {
      if (entry.kind != Kind::kNone && entry.until <= now) {
        entry = {};
        ended = true;
      }
    }
    if (ended) update();
    return ended;
  }
  UnixMs nextEnd() const { return nextEnd_.load(std::memory_order_relaxed); }  // 0: none

 private:
  struct Entry {
    Kind kind = Kind::kNone;
    UnixMs until = 0;
  };
  void update() {
    Kind kind = Kind::kNone;
    UnixMs next = 0;
    unsigned purposes = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (entry.kind == Kind::kNone) continue;
      kind = std::max(kind, entry.kind);
      if (next == 0 || entry.until < next) next = entry.until;
      purposes |= 1u << i;
    }
    purposes_.store(purposes, std::memory_order_relaxed);
    nextEnd_.store(next, std::memory_order_relaxed);
    kind_.store(kind, std::memory_order_relaxed);
  }
  std::array<Entry, 4> entries_;
  std::atomic<Kind> kind_{Kind::kNone};
  std::atomic<unsigned> purposes_{0};  // a bit each that holds something back
  std::atomic<UnixMs> nextEnd_{0};
};

}  // namespace vigil::engine
