#include "engine/shutdown.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "base/log_line.h"

namespace vigil::engine {
namespace {

class QuietLogger final : public Logger {
 public:
  std::string text;

 private:
  void write(LogLevel, std::string_view line) override { text.append(line).append("\n"); }
};

class ManualLoop final : public EventLoop {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId after(int64_t, Task) override { return 0; }
  void cancel(TimerId) override {}
  void setBeforeSleep(std::function<bool()>) override {}
  MonoUs now() const override { return 0; }
  bool onLoopThread() const override { return true; }
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<Task> tasks_;
};

class ShutdownTest : public testing::Test {
 protected:
  ShutdownTest() : shutdown_(log_) {
    shutdown_.setControl(loop_);
    shutdown_.setExit([this] { events_ += "exit "; });
  }
  void addStep(Shutdown::Stage stage, std::string name, Status result = {}) {
    shutdown_.add({.stage = stage, .start = [this, name, result](const Shutdown::Request&, Shutdown::Done done) {
                     events_ += name + " ";
                     done(result);
                   }});
  }
  void request(Shutdown::Request request = {}) {
    shutdown_.request(request, [this] { events_ += "failed "; });
    loop_.run();
  }

  QuietLogger log_;
  ManualLoop loop_;
  Shutdown shutdown_;
  std::string events_;
};

TEST_F(ShutdownTest, StepsRunInTheOrderOfTheirStages) {
  addStep(Shutdown::Stage::kSnapshot, "save");
  addStep(Shutdown::Stage::kReplicas, "replicas");
  addStep(Shutdown::Stage::kAof, "aof");
  request();
  EXPECT_EQ(events_, "replicas aof save exit ");
}

TEST_F(ShutdownTest, AStepThatFailsKeepsTheServerRunning) {
  addStep(Shutdown::Stage::kSnapshot, "save", fail("disk full"));
  addStep(Shutdown::Stage::kLast, "last");
  request();
  EXPECT_EQ(events_, "save failed ");
  EXPECT_NE(log_.text.find("disk full"), std::string::npos);
  EXPECT_FALSE(shutdown_.inProgress());
  events_.clear();
  request({.force = true});
  EXPECT_EQ(events_, "save last exit ");
}

TEST_F(ShutdownTest, AbortEndsOnlyWhatCanBeUndone) {
  Shutdown::Done pending;
  bool hurried = false;
  shutdown_.add({.stage = Shutdown::Stage::kReplicas,
                 .start = [&](const Shutdown::Request&, Shutdown::Done done) { pending = std::move(done); },
                 .hurry = [&] { hurried = true; },
                 .cancel = [this] { events_ += "cancelled "; }});
  auto abort = [this] {
    shutdown_.abort([this](bool aborted) { events_ += aborted ? "aborted " : "nothing "; });
    loop_.run();
  };
  abort();
  request();
  abort();
  EXPECT_EQ(events_, "nothing cancelled aborted failed ");
  pending({});  // too late
  EXPECT_FALSE(shutdown_.inProgress());
  events_.clear();
  request();
  request({.now = true});
  EXPECT_TRUE(hurried);
  pending({});
  EXPECT_EQ(events_, "exit ");
}

}  // namespace
}  // namespace vigil::engine
