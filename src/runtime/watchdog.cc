#include "runtime/watchdog.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "runtime/signal_log.h"

namespace vigil::runtime {

namespace {

// A signal handler has no other way to it.
char theLogFile[4096];

void onAlarm(int, siginfo_t*, void*) {
  SignalLog log(theLogFile);
  log.head().text("\n--- WATCHDOG TIMER EXPIRED ---\n\nBacktrace:\n").backtrace(1).text("--------\n");
}

// From outside the signal means nothing, as in Redis: it is heard only while there is a period.
void hearAlarms(bool hear) {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  if (hear) {
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    action.sa_sigaction = onAlarm;
  } else {
    action.sa_handler = SIG_IGN;
  }
  sigaction(SIGALRM, &action, nullptr);
}

}  // namespace

Watchdog::Watchdog(EventLoop& control, std::vector<LoopThread*> threads, std::string logFile) : control_(control) {
  for (LoopThread* thread : threads) watched_.push_back({.thread = thread});
  std::memcpy(theLogFile, logFile.c_str(), std::min(sizeof theLogFile - 1, logFile.size()) + 1);
  hearAlarms(false);
}

Watchdog::~Watchdog() {
  hearAlarms(false);
  control_.cancel(timer_);
}

void Watchdog::setPeriod(int64_t milliseconds) {
  period_.store(milliseconds * 1000);
  control_.post([this] {
    control_.cancel(timer_);
    timer_ = 0;
    hearAlarms(period_.load() > 0);
    for (Watched& one : watched_) one.since = control_.now();
    if (period_.load() > 0) look();
  });
}

void Watchdog::look() {
  const int64_t period = period_.load();
  if (period == 0) return;
  const MonoUs now = control_.now();
  for (Watched& one : watched_) {
    const uint64_t turns = one.thread->loop().turns();
    if (turns != one.turns) {
      one.turns = turns;
      one.since = now;
    } else if (now - one.since >= period) {
      one.since = now;
      one.thread->signal(SIGALRM);
    }
    one.thread->loop().post([] {});  // an idle thread takes a turn for it
  }
  timer_ = control_.after(std::max<int64_t>(period / 4, 1000), [this] { look(); });
}

}  // namespace vigil::runtime
