// A session through which another node sends the keys of slots that are to become ours. It lives as long as its connection.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/ports/clock.h"
#include "base/slot_set.h"

namespace vigil::engine {

class SlotImport {
 public:
  // `ended` is called once, on any thread: why the stream broke, or empty: its connection has gone.
  using Ended = std::function<void(std::string why)>;
  SlotImport(SlotSet slots, Ended ended) : slots_(slots), ended_(std::move(ended)) {}
  SlotImport(const SlotImport&) = delete;
  SlotImport& operator=(const SlotImport&) = delete;
  ~SlotImport() { fail({}); }

  const SlotSet& slots() const { return slots_; }
  // To be asked once a second, with when its connection brought something last: whether that is too long ago. A source says
  // something every second. Counted in questions, since the clock of a process that was stopped moves on.
  bool fallenSilent(MonoUs heard) {
    silentFor_ = heard == heard_ ? silentFor_ + 1 : 0;
    heard_ = heard;
    return silentFor_ >= kSilence;
  }
  void fail(std::string why) {
    if (auto ended = std::exchange(ended_, nullptr)) ended(std::move(why));
  }

 private:
  static constexpr int kSilence = 10;

  const SlotSet slots_;
  Ended ended_;
  MonoUs heard_ = 0;
  int silentFor_ = 0;
};

}  // namespace vigil::engine
