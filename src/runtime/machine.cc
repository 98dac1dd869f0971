#include "runtime/machine.h"

namespace vigil::runtime {

void LoopThread::start() {
  thread_ = std::thread([this] {
    nameThisThread(name_);
    loop_.run();
  });
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
  loop_.adopt();
}

}  // namespace vigil::runtime
