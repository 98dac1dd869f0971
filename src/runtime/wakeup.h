// An eventfd by which any thread ends a poller's wait.
#pragma once

namespace vigil::runtime {

class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  int descriptor() const { return descriptor_; }
  void signal();  // any thread
  void clear();   // once the descriptor was seen readable

 private:
  const int descriptor_;
};

// For what a loop cannot exist without, at start only: ends the process with what `call` says of errno.
int orDie(int result, const char* call);

}  // namespace vigil::runtime
