// Ports TaskPool and SerialExecutor: tasks run at later virtual times.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/ports/executor.h"
#include "sim/sim_process.h"

namespace vigil::sim {

class SimSerialExecutor final : public SerialExecutor {
 public:
  SimSerialExecutor(ProcessPtr process, std::string name);
  ~SimSerialExecutor() override;
  void submit(Task task) override;
  void finish() override;  // in a process that died nothing runs any more

 private:
  void plan();
  void runOne();

  const ProcessPtr process_;
  const std::string name_;
  const std::shared_ptr<SimSerialExecutor*> self_;
  std::deque<Task> tasks_;
  bool planned_ = false;
  SimTime busyUntil_ = 0;
};

class SimTaskPool final : public TaskPool {
 public:
  explicit SimTaskPool(ProcessPtr process) : process_(std::move(process)) {}
  void submit(Task task) override;
  std::unique_ptr<SerialExecutor> makeSerial(std::string_view name, Urgency urgency) override;

 private:
  const ProcessPtr process_;
};

}  // namespace vigil::sim
