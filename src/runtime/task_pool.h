// TaskPool and SerialExecutor on threads.
//
// Thread safe. Both run everything that was submitted before they are destroyed; their destructors wait for that.
// Serial executors stand on their own and may outlive the pool that made them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/ports/executor.h"

namespace vigil::runtime {

// Names the calling thread (top -H, gdb); what is beyond 15 characters is cut off.
void nameThisThread(std::string_view name);

// Lets the threads of other programs and of this one come before the calling thread, by some steps of nice(2).
void yieldToOthers();

// Tasks in the order in which they came, and the threads' way to them.
class TaskQueue {
 public:
  void push(Task task) EXCLUDES(lock_);
  void close() EXCLUDES(lock_);   // nothing is pushed any more
  void runAll() EXCLUDES(lock_);  // runs tasks on the calling thread until the queue is closed and empty

 private:
  Mutex lock_;
  std::condition_variable_any arrived_;
  std::deque<Task> tasks_ GUARDED_BY(lock_);
  bool closed_ GUARDED_BY(lock_) = false;
};

class ThreadSerialExecutor final : public SerialExecutor {
 public:
  // `threadStart`, if any, is called first on its thread.
  explicit ThreadSerialExecutor(std::string_view name, std::function<void()> threadStart = {});
  ~ThreadSerialExecutor() override;
  void submit(Task task) override { queue_.push(std::move(task)); }
  void finish() override;

 private:
  TaskQueue queue_;
  std::thread thread_;
};

class ThreadTaskPool final : public TaskPool {
 public:
  // `threadStart`, if any, is called first on each thread, also on those of serial executors.
  explicit ThreadTaskPool(size_t threads, std::function<void()> threadStart = {});
  ~ThreadTaskPool() override;
  void submit(Task task) override { queue_.push(std::move(task)); }
  std::unique_ptr<SerialExecutor> makeSerial(std::string_view name, Urgency urgency) override;
  // Runs what was submitted and ends the threads; what comes later does not run. For who is about to destroy what tasks
  // use.
  void finish();

 private:
  const std::function<void()> threadStart_;
  TaskQueue queue_;
  std::vector<std::thread> threads_;
};

}  // namespace vigil::runtime
