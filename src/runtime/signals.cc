#include "runtime/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace vigil::runtime {

Signals::Signals(EpollLoop& loop, std::function<void(int)> onSignal) : loop_(loop), onSignal_(std::move(onSignal)) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  sigset_t caught;
  sigemptyset(&caught);
  sigaddset(&caught, SIGTERM);
  sigaddset(&caught, SIGINT);
  pthread_sigmask(SIG_BLOCK, &caught, &before_);
  descriptor_ = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor_ < 0 || loop_.watch(descriptor_, EPOLLIN, *this) != 0) {
    std::perror("signalfd");  // at start, and without it the process could not be stopped
    std::abort();
  }
}

Signals::~Signals() {
  loop_.unwatch(descriptor_, *this);
  close(descriptor_);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::onEvents(uint32_t) {
  signalfd_siginfo info{};
  if (read(descriptor_, &info, sizeof info) == sizeof info) onSignal_(static_cast<int>(info.ssi_signo));
}

}  // namespace vigil::runtime
