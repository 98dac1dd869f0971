// The real machine: all ports, built and owned in one place, and loops on threads of their own.
//
//   Machine machine(log, kTaskThreads);      what runs on it takes machine.system() or single ports
//   LoopThread worker(machine.clock(), "vigil-w0");
//   ... attach, post ...
//   worker.start();  ...  worker.stop();     then destroy what is attached to worker.loop(), then worker
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "base/ports/system.h"
#include "runtime/machine_loop.h"
#include "runtime/machine_clock.h"
#include "runtime/machine_entropy.h"
#include "runtime/machine_network.h"
#include "runtime/posix_files.h"
#include "runtime/task_pool.h"

namespace vigil::runtime {

class Machine {
 public:
  // `threadStart` is called first on each thread that carries out tasks.
  Machine(Logger& log, size_t taskThreads, std::function<void()> threadStart = {})
      : tasks_(taskThreads, std::move(threadStart)), network_(tasks_, log) {}

  System system() { return System{clock_, entropy_, network_, files_, tasks_}; }
  const MachineClock& clock() const { return clock_; }
  TlsContexts& tls() { return network_.tls(); }
  // Once the loops have stopped, before what tasks use is destroyed.
  void finishTasks() { tasks_.finish(); }

 private:
  MachineClock clock_;
  MachineEntropy entropy_;
  PosixFileSystem files_;
  ThreadTaskPool tasks_;
  MachineNetwork network_;
};

// A worker thread, or the control thread: an event loop and the thread that runs it.
class LoopThread {
 public:
  // `name`: what top -H shows, at most 15 characters. The thread begins with start(); until then the loop may be used
  // on the thread that made it.
  LoopThread(const Clock& clock, std::string name, PollerKind kind = PollerKind::kEpoll)
      : loop_(clock, kind), name_(std::move(name)) {}
  ~LoopThread() { stop(); }

  MachineLoop& loop() { return loop_; }
  void start(std::function<void()> threadStart = {});
  // Waits until everything posted before has run and the thread has ended. Not on the loop's own thread.
  void stop();
  void signal(int number);  // sends the running thread a signal; any thread

 private:
  MachineLoop loop_;
  const std::string name_;
  std::thread thread_;
};

}  // namespace vigil::runtime
