#include "runtime/task_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace vigil::runtime {

void nameThisThread(std::string_view name) {
  pthread_setname_np(pthread_self(), std::string(name.substr(0, 15)).c_str());
}

// A third of the share of a thread that comes first: on a machine whose processors are all busy a snapshot is slower,
// and still ends.
void yieldToOthers() {
  constexpr int kSteps = 5;
  const auto thread = static_cast<id_t>(gettid());  // of one thread on Linux, whatever POSIX says
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kSteps);
}

void TaskQueue::push(Task task) {
  {
    MutexLock lock(lock_);
    tasks_.push_back(std::move(task));
  }
  arrived_.notify_one();
}

void TaskQueue::close() {
  {
    MutexLock lock(lock_);
    closed_ = true;
  }
  arrived_.notify_all();
}

void TaskQueue::runAll() {
  for (;;) {
    Task task;
    {
      MutexLock lock(lock_);
      while (tasks_.empty() && !closed_) arrived_.wait(lock_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

ThreadSerialExecutor::ThreadSerialExecutor(std::string_view name, std::function<void()> threadStart)
    : thread_([this, name = std::string(name), threadStart = std::move(threadStart)] {
        nameThisThread(name);
        if (threadStart) threadStart();
        queue_.runAll();
      }) {}

ThreadSerialExecutor::~ThreadSerialExecutor() { ThreadSerialExecutor::finish(); }

void ThreadSerialExecutor::finish() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

ThreadTaskPool::ThreadTaskPool(size_t threads, std::function<void()> threadStart)
    : threadStart_(std::move(threadStart)) {
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i] {
      nameThisThread("vigil-task" + std::to_string(i));
      if (threadStart_) threadStart_();
      queue_.runAll();
    });
  }
}

ThreadTaskPool::~ThreadTaskPool() { finish(); }

void ThreadTaskPool::finish() {
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::unique_ptr<SerialExecutor> ThreadTaskPool::makeSerial(std::string_view name, Urgency urgency) {
  if (urgency == Urgency::kPrompt) return std::make_unique<ThreadSerialExecutor>(name, threadStart_);
  return std::make_unique<ThreadSerialExecutor>(name, [threadStart = threadStart_] {
    if (threadStart) threadStart();
    yieldToOthers();
  });
}

}  // namespace vigil::runtime
