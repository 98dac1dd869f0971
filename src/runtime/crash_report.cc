#include "runtime/crash_report.h"

#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <utility>

#include "runtime/signal_log.h"

namespace vigil::runtime {

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr int kPatienceMs = 2000;
constexpr size_t kSignalStack = 64 * 1024;

// A signal handler has no other way to its object.
std::atomic<const CrashReport*> theReport{nullptr};
std::atomic<long> crashingThread{0};

void* instructionOf([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  return nullptr;
#endif
}

void writeRegisters([[maybe_unused]] SignalLog& log, [[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  struct Register {
    std::string_view name;
    int index;
    std::string_view behind;
  };
  static constexpr Register kRegisters[] = {
      {"RAX:", REG_RAX, " "},  {"RBX:", REG_RBX, "\n"}, {"RCX:", REG_RCX, " "},  {"RDX:", REG_RDX, "\n"},
      {"RDI:", REG_RDI, " "},  {"RSI:", REG_RSI, "\n"}, {"RBP:", REG_RBP, " "},  {"RSP:", REG_RSP, "\n"},
      {"R8 :", REG_R8, " "},   {"R9 :", REG_R9, "\n"},  {"R10:", REG_R10, " "},  {"R11:", REG_R11, "\n"},
      {"R12:", REG_R12, " "},  {"R13:", REG_R13, "\n"}, {"R14:", REG_R14, " "},  {"R15:", REG_R15, "\n"},
      {"RIP:", REG_RIP, " "},  {"EFL:", REG_EFL, "\n"}, {"CSGSFS:", REG_CSGSFS, "\n"},
  };
  log.text("\n------ REGISTERS ------\n");
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  for (const Register& one : kRegisters) {
    log.text(one.name).hex(static_cast<uint64_t>(registers[one.index]), 16).text(one.behind);
  }
#endif
}

#if defined(VIGIL_SANITIZED)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

void dieOf(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
}

void install(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  if (handler != nullptr) {
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    action.sa_sigaction = handler;
  } else {
    action.sa_handler = SIG_DFL;
  }
  for (int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

CrashReport::CrashReport(Sources sources) : sources_(std::move(sources)) {
  void* frame = nullptr;
  ::backtrace(&frame, 1);  // loads what it needs; in the handler it would be too late
  if (pipe2(requests_, O_CLOEXEC) != 0 || pipe2(answers_, O_CLOEXEC) != 0) return;  // a report without INFO
  reporter_ = std::thread([this] { reportOnRequest(); });
}

CrashReport::~CrashReport() {
  enable(false);
  theReport.store(nullptr);
  if (requests_[1] >= 0) close(requests_[1]);  // ends the reporter
  if (reporter_.joinable()) reporter_.join();
  for (int descriptor : {requests_[0], answers_[0], answers_[1]}) {
    if (descriptor >= 0) close(descriptor);
  }
}

void CrashReport::enable(bool on) {
  if (kSanitized) return;  // the sanitizers have handlers of their own
  theReport.store(this);
  install(on ? onSignal : nullptr);
}

void CrashReport::prepareThread() {
  if (kSanitized) return;
  thread_local std::unique_ptr<char[]> memory;
  if (memory) return;
  memory.reset(new char[kSignalStack]);
  stack_t stack{};
  stack.ss_sp = memory.get();
  stack.ss_size = kSignalStack;
  sigaltstack(&stack, nullptr);
}

void CrashReport::onSignal(int signal, siginfo_t* info, void* context) {
  const long self = syscall(SYS_gettid);
  long nobody = 0;
  if (!crashingThread.compare_exchange_strong(nobody, self)) {
    if (nobody == self) return dieOf(signal);  // in the report itself
    for (;;) pause();                          // another thread reports, and ends the process
  }
  if (const CrashReport* report = theReport.load()) report->write(signal, *info, context);
  dieOf(signal);
}

void CrashReport::write(int signal, const siginfo_t& info, const void* context) const {
  SignalLog log(sources_.logFile.c_str());
  void* const instruction = instructionOf(context);
  log.text("\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n");
  log.head().text("Redis ").text(sources_.version).text(" crashed by signal: ").number(signal);
  log.text(", si_code: ").number(info.si_code).text("\n");
  if (info.si_code == SI_USER || info.si_code == SI_TKILL) {
    log.head().text("Killed by PID: ").number(info.si_pid).text(", UID: ").number(info.si_uid).text("\n");
  } else {
    log.head().text("Accessing address: 0x").hex(reinterpret_cast<uint64_t>(info.si_addr), 1).text("\n");
  }
  log.head().text("Crashed running the instruction at: 0x").hex(reinterpret_cast<uint64_t>(instruction), 1);
  log.text("\n\n------ STACK TRACE ------\nEIP:\n").symbols(&instruction, 1).text("\nBacktrace:\n").backtrace(1);
  writeRegisters(log, context);
  if (sources_.current) sources_.current(log);
  log.flush();
  if (!waitForReporter()) log.text("\n(INFO and CLIENT LIST could not be had.)\n");
  log.text(
      "\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n"
      "       Please report the crash to those who maintain Vigil, with the whole report.\n\n");
  if (!sources_.pidFile.empty()) unlink(sources_.pidFile.c_str());
}

bool CrashReport::waitForReporter() const {
  char byte = 1;
  if (requests_[1] < 0 || ::write(requests_[1], &byte, 1) != 1) return false;
  pollfd answer{answers_[0], POLLIN, 0};
  return poll(&answer, 1, kPatienceMs) == 1;
}

void CrashReport::reportOnRequest() {
  prepareThread();
  char byte = 0;
  if (read(requests_[0], &byte, 1) != 1) return;
  {
    SignalLog log(sources_.logFile.c_str());
    log.text("\n------ INFO OUTPUT ------\n").text(sources_.info());
    log.text("\n------ CLIENT LIST OUTPUT ------\n").text(sources_.clients());
  }
  [[maybe_unused]] ssize_t told = ::write(answers_[1], &byte, 1);
}

}  // namespace vigil::runtime
