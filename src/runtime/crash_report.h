// What a crash leaves in the log: a report in Redis's form, after which the process dies of the signal all the same.
//
// The handler itself only writes what a signal handler may: the signal, the registers, the stack. INFO and CLIENT LIST
// are asked of a thread that stands ready for that; should it hang (the crash may have happened anywhere), the handler
// goes on without. There is at most one object of this class at a time.
#pragma once

#include <csignal>
#include <functional>
#include <string>
#include <thread>

namespace vigil::runtime {

class SignalLog;

class CrashReport {
 public:
  struct Sources {
    std::string version;  // "7.2.4"
    std::string logFile;  // empty: standard output
    std::string pidFile;  // removed at the end; empty: none
    // Called on a thread of its own, with other threads in any state.
    std::function<std::string()> info;
    // What the thread that crashed was doing: in its signal handler, so nothing may allocate or lock.
    std::function<void(SignalLog&)> current = nullptr;
    std::function<std::string()> clients;
  };

  explicit CrashReport(Sources sources);
  ~CrashReport();
  CrashReport(const CrashReport&) = delete;
  CrashReport& operator=(const CrashReport&) = delete;

  // crash-log-enabled. Any thread.
  void enable(bool on);

  // Gives the calling thread a stack for signal handlers, so that the overflow of its own is reported too.
  static void prepareThread();

 private:
  static void onSignal(int signal, siginfo_t* info, void* context);
  void write(int signal, const siginfo_t& info, const void* context) const;
  void reportOnRequest();
  bool waitForReporter() const;

  const Sources sources_;
  int requests_[2] = {-1, -1};  // pipes: a byte each way
  int answers_[2] = {-1, -1};
  std::thread reporter_;
};

}  // namespace vigil::runtime
