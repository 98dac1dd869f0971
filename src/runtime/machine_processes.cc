#include "runtime/machine_processes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // which glibc 2.36 leaves out of it
#include <sys/pidfd.h>
}

#include <cerrno>
#include <csignal>
#include <cstring>

namespace vigil::runtime {

class MachineProcesses::Child final : private Watcher {
 public:
  Child(MachineProcesses& owner, pid_t pid, int descriptor, Ended ended)
      : owner_(owner), pid_(pid), descriptor_(descriptor), ended_(std::move(ended)) {}
  ~Child() {
    owner_.loop_.unwatch(descriptor_, *this);
    close(descriptor_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int watch() { return owner_.loop_.watch(descriptor_, EPOLLIN, *this); }
  void kill() const { ::kill(pid_, SIGKILL); }
  void tell(ProcessEnd end) { ended_(end); }

 private:
  // It has ended: its descriptor is readable.
  void onEvents(uint32_t) override {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return;
    const bool signaled = WIFSIGNALED(status);
    owner_.ended(pid_, {.exitCode = signaled ? 0 : WEXITSTATUS(status), .signal = signaled ? WTERMSIG(status) : 0});
  }

  MachineProcesses& owner_;
  const pid_t pid_;
  const int descriptor_;
  Ended ended_;
};

namespace {

// Signals as a process finds them that nobody took over, nothing of ours open but the standard descriptors.
class SpawnSettings {
 public:
  SpawnSettings() {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t ignoredByUs;
    sigemptyset(&ignoredByUs);
    sigaddset(&ignoredByUs, SIGPIPE);
    sigaddset(&ignoredByUs, SIGHUP);
    posix_spawnattr_setsigdefault(&attributes_, &ignoredByUs);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

}  // namespace

MachineProcesses::MachineProcesses(MachineLoop& loop) : loop_(loop) {}

MachineProcesses::~MachineProcesses() = default;

Result<int64_t> MachineProcesses::start(const std::vector<std::string>& words, Ended ended) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const SpawnSettings settings;
  pid_t pid = 0;
  if (int error = posix_spawn(&pid, arguments[0], settings.actions(), settings.attributes(), arguments.data(), environ)) {
    return fail(std::strerror(error), error);
  }
  const int descriptor = pidfd_open(pid, 0);
  auto child = std::make_unique<Child>(*this, pid, descriptor, std::move(ended));
  if (const int error = descriptor < 0 ? errno : child->watch(); error != 0) {
    child->kill();  // whom we cannot hear of must not run
    waitpid(pid, nullptr, 0);
    return fail(std::strerror(error), error);
  }
  children_.emplace(pid, std::move(child));
  return pid;
}

void MachineProcesses::kill(int64_t pid) {
  if (const auto found = children_.find(pid); found != children_.end()) found->second->kill();
}

void MachineProcesses::ended(int64_t pid, ProcessEnd end) {
  const auto found = children_.find(pid);
  const std::unique_ptr<Child> child = std::move(found->second);
  children_.erase(found);
  child->tell(end);
}

}  // namespace vigil::runtime
