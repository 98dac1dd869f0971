// A session through which another node sends the keys of slots that are to become ours. It lives as long as its connection.
#pragma once

#include <functional>
#include <string>
#include <utility>

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
  void fail(std::string why) {
    if (auto ended = std::exchange(ended_, nullptr)) ended(std::move(why));
  }

 private:
  const SlotSet slots_;
  Ended ended_;
};

}  // namespace vigil::engine
