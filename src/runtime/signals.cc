#include "runtime/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime/signal_log.h"

namespace vigil::runtime {

namespace {
sigset_t caughtSignals() {
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGTERM);
  sigaddset(&caught, SIGINT);
  return caught;
}
}  // namespace

void takeOverSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  const sigset_t caught = caughtSignals();
  pthread_sigmask(SIG_BLOCK, &caught, nullptr);
}

void exitAtInterrupt(const std::string& logFile) {
  static std::string path;  // for the handler
  path = logFile;
  std::signal(SIGINT, [](int) {
    SignalLog(path.c_str()).head().text("You insist... exiting now.\n").flush();
    _exit(1);
  });
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

Signals::Signals(MachineLoop& loop, std::function<void(int)> onSignal) : loop_(loop), onSignal_(std::move(onSignal)) {
  const sigset_t caught = caughtSignals();
  descriptor_ = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0 || loop_.watch(descriptor_, EPOLLIN, *this) != 0) {
    std::perror("signalfd");  // at start, and without it the process could not be stopped
    std::abort();
  }
}

Signals::~Signals() {
  loop_.unwatch(descriptor_, *this);
  close(descriptor_);
}

void Signals::onEvents(uint32_t) {
  signalfd_siginfo info{};
  if (read(descriptor_, &info, sizeof info) == sizeof info) onSignal_(static_cast<int>(info.ssi_signo));
}

}  // namespace vigil::runtime
