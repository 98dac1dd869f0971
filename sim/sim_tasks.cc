#include "sim/sim_tasks.h"

#include <algorithm>
#include <utility>

namespace vigil::sim {

namespace {

constexpr SimTime kStartLeast = 5;
constexpr SimTime kStartMost = 20 * kMs;

void runTask(SimProcess& process, Task& task) {
  ProcessStep step(process);
  bool outer = std::exchange(process.insideTask, true);
  SimLoop* loop = std::exchange(process.running, nullptr);
  task();
  task = nullptr;
  process.insideTask = outer;
  process.running = loop;
}

}  // namespace

SimSerialExecutor::SimSerialExecutor(ProcessPtr process, std::string name)
    : process_(std::move(process)), name_(std::move(name)), self_(std::make_shared<SimSerialExecutor*>(this)) {}

SimSerialExecutor::~SimSerialExecutor() { SimSerialExecutor::finish(); }

void SimSerialExecutor::finish() {
  while (process_->alive && !tasks_.empty()) {
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    runTask(*process_, task);
  }
}

void SimSerialExecutor::submit(Task task) {
  if (!process_->alive) return;
  tasks_.push_back(std::move(task));
  plan();
}

void SimSerialExecutor::plan() {
  if (planned_ || tasks_.empty()) return;
  planned_ = true;
  SimWorld& world = process_->world;
  SimTime when =
      std::max(world.now(), busyUntil_) + world.random().skewed(kStartLeast, kStartMost) * process_->taskSlowness;
  world.at(std::max(when, process_->pausedUntil), [weak = std::weak_ptr<SimSerialExecutor*>(self_)] {
    if (auto self = weak.lock()) (*self)->runOne();
  });
}

void SimSerialExecutor::runOne() {
  planned_ = false;
  if (!process_->alive || tasks_.empty()) return;
  if (process_->pausedUntil > process_->world.now()) return plan();
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  std::weak_ptr<SimSerialExecutor*> weak = self_;
  runTask(*process_, task);
  if (weak.expired()) return;
  busyUntil_ = process_->world.now();
  plan();
}

void SimTaskPool::submit(Task task) {
  if (!process_->alive) return;
  SimWorld& world = process_->world;
  SimTime when = std::max(world.now() + world.random().skewed(kStartLeast, kStartMost), process_->pausedUntil);
  world.at(when, [process = process_, task = std::move(task)]() mutable {
    if (process->alive) runTask(*process, task);
  });
}

std::unique_ptr<SerialExecutor> SimTaskPool::makeSerial(std::string_view name, Urgency) {
  return std::make_unique<SimSerialExecutor>(process_, std::string(name));
}

}  // namespace vigil::sim
