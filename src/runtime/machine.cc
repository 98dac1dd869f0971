#include "runtime/machine.h"

#include <pthread.h>

#include <csignal>

namespace vigil::runtime {

void LoopThread::start(std::function<void()> threadStart) {
  thread_ = std::thread([this, threadStart = std::move(threadStart)] {
    nameThisThread(name_);
    if (threadStart) threadStart();
    loop_.run();
  });
}

void LoopThread::signal(int number) {
  if (thread_.joinable()) pthread_kill(thread_.native_handle(), number);
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  loop_.adopt();
}

}  // namespace vigil::runtime
