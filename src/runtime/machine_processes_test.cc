#include "runtime/machine_processes.h"

#include <csignal>
#include <optional>

#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

class MachineProcessesTest : public MachineTest {
 protected:
  // Runs the words until their end, or nothing if they could not be started.
  std::optional<ProcessEnd> run(const std::vector<std::string>& words, bool killIt = false) {
    std::optional<ProcessEnd> end;
    auto pid = processes_.start(words, [&](ProcessEnd how) { end = how; });
    if (!pid) return std::nullopt;
    if (killIt) processes_.kill(*pid);
    EXPECT_TRUE(runUntil([&] { return end.has_value(); }));
    return end;
  }

  MachineProcesses processes_{loop_};
};

TEST_F(MachineProcessesTest, ExitCodeAndArguments) {
  TemporaryFolder folder;
  const auto end = run({"/bin/sh", "-c", "echo \"$1 $2\" > \"$0\"; exit 3", folder / "out", "one", "two words"});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exitCode, 3);
  EXPECT_EQ(end->signal, 0);
  PosixFileSystem files;
  EXPECT_EQ(readWholeFile(files, folder / "out").value_or(""), "one two words\n");
}

TEST_F(MachineProcessesTest, EndedByASignal) {
  const auto end = run({"/bin/sleep", "60"}, true);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGKILL);
}

TEST_F(MachineProcessesTest, NoDescriptorOfOurs) {
  const int ours = dup2(STDERR_FILENO, 77);
  const auto end = run({"/bin/sh", "-c", "test ! -e /proc/$$/fd/77"});
  close(ours);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exitCode, 0);
}

TEST_F(MachineProcessesTest, WhatIsNotThereCannotBeStarted) { EXPECT_FALSE(run({"/nowhere/script"})); }

}  // namespace
}  // namespace vigil::runtime
