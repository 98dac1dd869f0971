// One life of a simulated process: everything that its ports do stops when it dies, in the middle of a step if need be.
#pragma once

#include <memory>
#include <string>

#include "base/memory.h"
#include "base/ports/clock.h"
#include "base/ports/entropy.h"
#include "sim/sim_world.h"

namespace vigil::sim {

class SimLoop;

enum class Death : uint8_t { kKill, kPowerLoss };

class SimProcess {
 public:
  SimProcess(SimWorld& world, std::string name)
      : world(world), name(std::move(name)), entropy_(world.random().next()) {}

  SimWorld& world;
  const std::string name;

  bool alive = true;
  SimTime pausedUntil = 0;  // SIGSTOP, a virtual machine that is moved: nothing runs until then
  int64_t slowness = 1;     // every turn of a loop takes that many times longer
  int64_t taskSlowness = 1;  // tasks wait for the processor that many times longer
  MemoryAccount memory;

  // Which of its loops is running; null in a task, and before it starts.
  SimLoop* running = nullptr;
  bool insideTask = false;

  // Asks for its death at the end of the running step; until then its ports already do nothing. Set by its machine.
  std::function<void(Death)> onDeath;
  void dieNow(Death how) {
    if (!alive) return;
    alive = false;
    onDeath(how);
  }
  SimRandom& entropy() { return entropy_; }
  void trace(std::string_view what) { world.trace(name, what); }

 private:
  SimRandom entropy_;
};

using ProcessPtr = std::shared_ptr<SimProcess>;

// The machine's clocks as one process sees them. They never go back from one reading to the next, whoever reads; each
// reading takes a moment, so that work with a time budget ends.
class SimClock final : public Clock {
 public:
  // `rate`: how many of its microseconds pass in a million real ones. `wallOffset` may be changed at any time: a jump.
  SimClock(SimProcess& process, const int64_t& rate, const int64_t& wallOffset)
      : process_(process), rate_(rate), wallOffset_(wallOffset) {}

  MonoUs mono() const override {
    process_.world.spend(1);
    MonoUs reading = kStart + scaled(process_.world.now());
    return last_ = reading > last_ ? reading : last_;
  }
  UnixUs wall() const override { return kEpoch + mono() - kStart + wallOffset_; }
  // How much virtual time passes while the clock advances by this much.
  SimTime worldTime(MonoUs duration) const { return duration * 1'000'000 / rate_ + 1; }

 private:
  static constexpr MonoUs kStart = 5'000'000;              // no process starts at zero
  static constexpr UnixUs kEpoch = 1'700'000'000'000'000;  // November 2023
  MonoUs scaled(SimTime time) const {
    return static_cast<MonoUs>(time / 1'000'000 * rate_ + time % 1'000'000 * rate_ / 1'000'000);
  }

  SimProcess& process_;
  const int64_t& rate_;
  const int64_t& wallOffset_;
  mutable MonoUs last_ = 0;
};

class SimEntropy final : public Entropy {
 public:
  explicit SimEntropy(SimProcess& process) : process_(process) {}
  uint64_t next64() override { return process_.entropy().next(); }

 private:
  SimProcess& process_;
};

// While it lives, what happens is done by this process: its memory is counted, its clock runs.
class ProcessStep {
 public:
  explicit ProcessStep(SimProcess& process) : scope_(process.memory) {}

 private:
  MemoryAccountScope scope_;
};

}  // namespace vigil::sim
