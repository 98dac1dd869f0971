#include "sim/sim_loop.h"

#include <algorithm>
#include <utility>

namespace vigil::sim {

namespace {

// How long a thread needs to wake up, and how long a turn keeps it busy: mostly microseconds, seldom milliseconds.
constexpr SimTime kWakeLeast = 1;
constexpr SimTime kWakeMost = 3 * kMs;
constexpr int64_t kLongestSleep = 86'400'000'000;  // then it looks again; longer than any run

}  // namespace

SimLoop::SimLoop(ProcessPtr process, const SimClock& clock, std::string name)
    : process_(std::move(process)),
      clock_(clock),
      name_(std::move(name)),
      self_(std::make_shared<SimLoop*>(this)),
      now_(clock.mono()) {}

SimLoop::~SimLoop() {
  // What never ran may own streams, which leave the loop when they go.
  timers_.clear();
  auto left = std::move(mail_);
  left.clear();
}

void SimLoop::start() {
  started_ = true;
  busyUntil_ = process_->world.now();  // what the process did until then took time
  wake();
}

bool SimLoop::onLoopThread() const {
  return process_->running == this || (process_->running == nullptr && !process_->insideTask);
}

void SimLoop::post(Task task) {
  if (!process_->alive) return;
  mail_.push_back({process_->world.now(), std::move(task)});
  wake();
}

TimerId SimLoop::after(int64_t delayUs, Task task) {
  TimerId id = ++lastTimer_;
  MonoUs due = clock_.mono() + std::clamp<int64_t>(delayUs, 0, kLongestDelayUs);
  timers_.emplace(std::pair(due, id), std::move(task));
  due_.emplace(id, due);
  if (!inTurn_) turnAt(process_->world.now() + worldTime(delayUs));
  return id;
}

void SimLoop::cancel(TimerId timer) {
  auto at = due_.find(timer);
  if (at == due_.end()) return;
  Task cancelled = std::move(timers_.extract(std::pair(at->second, timer)).mapped());
  due_.erase(at);
}

void SimLoop::add(uint64_t number, SimSource& source) {
  sources_[number] = &source;
  wake();
}

void SimLoop::remove(uint64_t number) { sources_.erase(number); }

void SimLoop::wake() {
  SimWorld& world = process_->world;
  if (inTurn_ || nextTurn_ <= world.now()) return;
  turnAt(world.now() + world.random().skewed(kWakeLeast, kWakeMost));
}

void SimLoop::turnAt(SimTime when) {
  if (!started_ || !process_->alive) return;
  when = std::max({when, busyUntil_, process_->pausedUntil});
  if (when >= nextTurn_) return;
  nextTurn_ = when;
  uint64_t plan = ++plan_;
  process_->world.at(when, [weak = std::weak_ptr<SimLoop*>(self_), plan] {
    auto self = weak.lock();
    if (self && (*self)->plan_ == plan) (*self)->turn();
  });
}

void SimLoop::turn() {
  nextTurn_ = kNever;
  if (!process_->alive) return;
  if (process_->pausedUntil > process_->world.now()) return turnAt(process_->pausedUntil);
  ProcessStep step(*process_);
  process_->running = this;
  inTurn_ = true;
  now_ = clock_.mono();
  deliverStreams();
  runTimers();
  runMail();
  bool more = process_->alive && beforeSleep_ && beforeSleep_();
  inTurn_ = false;
  process_->running = nullptr;
  SimWorld& world = process_->world;
  busyUntil_ = world.now() + world.random().skewed(1, kMs) * process_->slowness;
  planNextTurn(more);
}

void SimLoop::deliverStreams() {
  std::vector<uint64_t> ready;
  for (auto& [number, source] : sources_) {
    if (source->readable() || source->writable()) ready.push_back(number);
  }
  for (size_t i = ready.size(); i > 1; --i) std::swap(ready[i - 1], ready[process_->world.random().below(i)]);
  for (uint64_t number : ready) {
    if (!process_->alive) return;
    auto at = sources_.find(number);
    if (at != sources_.end() && at->second->readable()) at->second->deliverReadable();
    at = sources_.find(number);
    if (at != sources_.end() && at->second->writable()) at->second->deliverWritable();
  }
}

void SimLoop::runTimers() {
  const TimerId newest = lastTimer_;  // what timers add waits for the next turn
  for (auto at = timers_.begin(); process_->alive && at != timers_.end() && at->first.first <= now_;) {
    if (at->first.second > newest) {
      ++at;
      continue;
    }
    auto node = timers_.extract(at);
    due_.erase(node.key().second);
    node.mapped()();
    at = timers_.begin();
  }
}

void SimLoop::runMail() {
  // What a step of another thread sent at a later moment of that step has not come yet.
  const SimTime until = process_->world.now();
  std::deque<Mail> due;
  for (auto at = mail_.begin(); at != mail_.end();) {
    if (at->sent > until) {
      ++at;
      continue;
    }
    due.push_back(std::move(*at));
    at = mail_.erase(at);
  }
  for (Mail& mail : due) {
    if (!process_->alive) return;
    mail.task();
    mail.task = nullptr;
  }
}

SimTime SimLoop::worldTime(int64_t delayUs) const {
  return clock_.worldTime(std::clamp<int64_t>(delayUs, 0, kLongestSleep));
}

void SimLoop::planNextTurn(bool more) {
  SimWorld& world = process_->world;
  if (more) turnAt(busyUntil_ + world.random().between(10, 60));
  for (const Mail& mail : mail_) turnAt(mail.sent);
  for (auto& [number, source] : sources_) {
    if (source->readable() || source->writable()) return turnAt(busyUntil_);
  }
  if (!timers_.empty()) turnAt(world.now() + worldTime(timers_.begin()->first.first - clock_.mono()));
}

}  // namespace vigil::sim
