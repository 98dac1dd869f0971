// SIGTERM and SIGINT as calls on a loop.
//
// main() calls takeOverSignals() before it starts any thread; every thread then has both signals blocked (a thread
// that had not would be given them, and end the process). Signals reads them from a descriptor in the loop.
#pragma once

#include <functional>
#include <string>

#include "runtime/machine_loop.h"

namespace vigil::runtime {

// Blocks SIGTERM and SIGINT for this thread and all that it will start, and ignores SIGPIPE and SIGHUP.
void takeOverSignals();

// For the process's last moments, when nothing may read the signals any more: another SIGINT ends it at once, with code 1
// and a line in this log (empty: standard output). To be called on one thread, which takes the signal from then on.
void exitAtInterrupt(const std::string& logFile);

class Signals final : private Watcher {
 public:
  // `onSignal` runs on the loop's thread, once for each signal, with SIGTERM or SIGINT.
  Signals(MachineLoop& loop, std::function<void(int)> onSignal);
  // On the loop's thread or after its end.
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void onEvents(uint32_t events) override;

  MachineLoop& loop_;
  std::function<void(int)> onSignal_;
  int descriptor_ = -1;
};

}  // namespace vigil::runtime
