// Deletes the keys of slots that nobody is served from any more, in small steps between commands: each deletion is a record
// of its own in the log. Until then they are hidden.
//
// Members say which thread they are for; the world is held where they say so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/slot_set.h"
#include "engine/engine.h"

namespace vigil::drivers {

class SlotSweeper final : public engine::BackgroundDuty, public std::enable_shared_from_this<SlotSweeper> {
 public:
  using InWorld = std::function<void(Task)>;
  SlotSweeper(engine::Engine& engine, InWorld inWorld);

  // --- World held ---
  // `done` is called, with the world held, when no key of them is left; the slots are not hidden any more then.
  void begin(const SlotSet& slots, Task done = {});
  // Those of them that are being swept, at once.
  void finishNow(const SlotSet& slots);
  // This node is a replica now: its master's log decides.
  void abandon();

  bool step(engine::Worker& worker) override;

 private:
  struct Batch {
    SlotSet slots;
    Task done;
  };
  bool stepShard(engine::Worker& worker, size_t shard);
  void settle();
  bool empty(const SlotSet& slots) const;

  engine::Engine& engine_;
  const InWorld inWorld_;
  // Change with the world held, but for a shard's own place, which its worker changes inside the world.
  SlotSet sweeping_;
  std::vector<Batch> batches_;
  struct Walk {
    size_t db = 0;
    uint64_t cursor = 0;
    std::atomic<bool> pending{false};
  };
  std::unique_ptr<Walk[]> walks_;  // by shard
  std::atomic<size_t> pending_{0};
};

}  // namespace vigil::drivers
