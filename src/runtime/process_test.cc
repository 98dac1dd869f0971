// What the runtime does to and knows of its process: signals, log file, pid file, limits, facts of the host.
#include <sys/wait.h>

#include <atomic>
#include <regex>

#include "runtime/daemon.h"
#include "runtime/file_logger.h"
#include "runtime/host_facts.h"
#include "runtime/signals.h"
#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

using ProcessTest = MachineTest;

std::string contentOf(const std::string& path) {
  PosixFileSystem files;
  return readWholeFile(files, path).value_or("");
}

// In a process of its own, whose only thread has taken over the signals before any other is started.
TEST(SignalsDeathTest, ArriveOnTheLoop) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    takeOverSignals();
    MachineClock clock;
    LoopThread control(clock, "vigil-control");
    std::atomic<int> terms{0};
    std::atomic<int> interrupts{0};
    Signals signals(control.loop(), [&](int signal) { ++(signal == SIGTERM ? terms : interrupts); });
    control.start();
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGPIPE);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    for (int i = 0; i < 10000 && (terms != 1 || interrupts != 1); ++i) usleep(1000);
    control.stop();
    _exit(terms == 1 && interrupts == 1 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(ProcessTest, LogsLinesThatSurviveRotation) {
  TemporaryFolder folder;
  const std::string path = folder / "log";
  FileLogger logger(machine_.clock(), path);
  logger.setRole('S');
  logger.notice("before");
  logger.verbose("too quiet to be seen");
  ASSERT_EQ(rename(path.c_str(), (path + ".1").c_str()), 0);
  logger.warning("after");
  const std::string start = std::to_string(getpid()) + R"(:S \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} )";
  EXPECT_TRUE(std::regex_match(contentOf(path + ".1"), std::regex(start + "\\* before\n"))) << contentOf(path + ".1");
  EXPECT_TRUE(std::regex_match(contentOf(path), std::regex(start + "# after\n"))) << contentOf(path);
}

TEST_F(ProcessTest, WritesAndRemovesThePidFile) {
  TemporaryFolder folder;
  ASSERT_TRUE(writePidFile(folder / "pid"));
  EXPECT_EQ(contentOf(folder / "pid"), std::to_string(getpid()) + "\n");
  removePidFile(folder / "pid");
  EXPECT_NE(access((folder / "pid").c_str(), F_OK), 0);
  EXPECT_EQ(writePidFile(folder / "no/such").error().message, "No such file or directory");
}

TEST_F(ProcessTest, TheWorkingDirectoryMustExist) {
  EXPECT_TRUE(changeWorkingDirectory("."));
  EXPECT_EQ(changeWorkingDirectory("/no/such/folder").error().message, "No such file or directory");
}

TEST_F(ProcessTest, FewClientsNeedNoHigherLimit) { EXPECT_EQ(raiseOpenFileLimit(1, 32, log_), 1u); }

TEST_F(ProcessTest, KnowsItsHost) {
  EXPECT_GT(residentMemory(), 1u << 20);
  EXPECT_GT(totalSystemMemory(), residentMemory());
  bool backlogNamed = false;
  for (const std::string& warning : hostWarnings(1 << 30)) {
    backlogNamed |= warning.starts_with("WARNING: The TCP backlog setting of 1073741824 cannot be enforced");
  }
  EXPECT_TRUE(backlogNamed);
}

TEST_F(ProcessTest, RandomnessDiffersBetweenCallsAndThreads) {
  Entropy& entropy = machine_.system().entropy;
  const uint64_t here = entropy.next64();
  EXPECT_NE(here, entropy.next64());
  uint64_t there = here;
  std::thread([&] { there = entropy.next64(); }).join();
  EXPECT_NE(here, there);
  EXPECT_EQ(entropy.hex(40).size(), 40u);
}

TEST(DaemonDeathTest, DaemonizeLeavesTheTerminalAndItsSession) {
  // In a forked child, because it ends the calling process; the daemon reports through a pipe.
  int pipeEnds[2];
  ASSERT_EQ(pipe(pipeEnds), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const bool done = daemonize().has_value() && getsid(0) == getpid() && isatty(STDOUT_FILENO) == 0;
    const char verdict = done ? 'y' : 'n';
    [[maybe_unused]] ssize_t written = write(pipeEnds[1], &verdict, 1);
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  char verdict = '?';
  ASSERT_EQ(read(pipeEnds[0], &verdict, 1), 1);
  EXPECT_EQ(verdict, 'y');
  close(pipeEnds[0]);
  close(pipeEnds[1]);
}

}  // namespace
}  // namespace vigil::runtime
