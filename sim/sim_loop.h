// Port EventLoop over virtual time. A process has several: its workers and its control thread. Only one turn of one
// loop runs at a time; when a loop's turn comes is drawn from the seed, and that is the interleaving of the threads.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/event_loop.h"
#include "sim/sim_process.h"

namespace vigil::sim {

// A stream end, as the loop sees it.
class SimSource {
 public:
  virtual ~SimSource() = default;
  virtual bool readable() const = 0;  // and reading is wanted
  virtual bool writable() const = 0;  // and writing is wanted
  virtual void deliverReadable() = 0;
  virtual void deliverWritable() = 0;
};

class SimLoop final : public EventLoop {
 public:
  SimLoop(ProcessPtr process, const SimClock& clock, std::string name);
  ~SimLoop() override;

  void start();  // before, posts and timers gather

  void post(Task task) override;
  TimerId after(int64_t delayUs, Task task) override;
  void cancel(TimerId timer) override;
  void setBeforeSleep(std::function<bool()> hook) override { beforeSleep_ = std::move(hook); }
  MonoUs now() const override { return now_; }
  bool onLoopThread() const override;

  // Streams attach by number, so that the order of delivery depends on no address.
  void add(uint64_t number, SimSource& source);
  void remove(uint64_t number);
  // Something is to be delivered.
  void wake();

  SimProcess& process() { return *process_; }

 private:
  struct Mail {
    SimTime sent;
    Task task;
  };
  static constexpr SimTime kNever = INT64_MAX;

  void turnAt(SimTime when);
  SimTime worldTime(int64_t delayUs) const;  // how long to sleep for a timer that is due then
  void turn();
  void deliverStreams();
  void runTimers();
  void runMail();
  void planNextTurn(bool more);

  const ProcessPtr process_;
  const SimClock& clock_;
  const std::string name_;
  const std::shared_ptr<SimLoop*> self_;  // events hold it weakly
  bool started_ = false;
  bool inTurn_ = false;
  SimTime nextTurn_ = kNever;
  uint64_t plan_ = 0;  // the number of the turn that is planned
  SimTime busyUntil_ = 0;
  MonoUs now_ = 0;
  std::deque<Mail> mail_;
  std::map<std::pair<MonoUs, TimerId>, Task> timers_;
  std::map<TimerId, MonoUs> due_;
  TimerId lastTimer_ = 0;
  std::map<uint64_t, SimSource*> sources_;
  std::function<bool()> beforeSleep_;
};

}  // namespace vigil::sim
