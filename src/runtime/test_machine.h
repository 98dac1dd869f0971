// For the tests of this folder: a machine with one loop that the test's own thread runs, and free ports.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/log_line.h"
#include "base/ports/stream.h"
#include "runtime/machine.h"

namespace vigil::runtime {

class SilentLogger final : public Logger {
 protected:
  void write(LogLevel, std::string_view) override {}
};

class MachineTest : public testing::Test {
 protected:
  explicit MachineTest(PollerKind reactor = PollerKind::kEpoll)
      : reactor_(usable(reactor)), loop_(machine_.clock(), reactor_) {}

  // Runs the loop on this thread until `condition` holds, at most `seconds`; tells whether it came to hold.
  template <typename Condition>
  bool runUntil(Condition condition, int seconds = 20) {
    bool held = false;
    const MonoUs deadline = machine_.clock().mono() + int64_t{seconds} * 1'000'000;
    loop_.setBeforeSleep([&] {
      if (!held && (held = condition())) loop_.stop();
      if (!held && machine_.clock().mono() > deadline) loop_.stop();
      return false;
    });
    const TimerId alarm = loop_.after(int64_t{seconds} * 1'000'000 + 1000, [] {});
    loop_.run();
    loop_.cancel(alarm);
    loop_.setBeforeSleep(nullptr);
    return held;
  }

  Network& network() { return machine_.system().network; }

  SilentLogger log_;
  Machine machine_{log_, 2};
  const PollerKind reactor_;
  MachineLoop loop_;

 private:
  // A machine without io_uring tests epoll twice.
  static PollerKind usable(PollerKind kind) { return checkPoller(kind) ? kind : PollerKind::kEpoll; }
};

inline std::string reactorName(PollerKind kind) { return kind == PollerKind::kUring ? "Uring" : "Epoll"; }

// A TCP port on 127.0.0.1 that nobody uses at the moment.
inline uint16_t freePort() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(bind(probe, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length), 0);
  close(probe);
  return ntohs(address.sin_port);
}

// A folder that goes with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~TemporaryFolder() {
    PosixFileSystem files;
    auto names = files.list(path_);
    for (const std::string& name : names.value_or(std::vector<std::string>{})) (void)files.remove(path_ + "/" + name);
    (void)files.remove(path_);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/vigil-test-XXXXXX";
};

// One end of a connection: collects what arrives, and lets a test hook in.
class CollectingHandler final : public StreamHandler {
 public:
  void use(std::unique_ptr<Stream> stream, EventLoop& loop) {
    stream_ = std::move(stream);
    stream_->attach(loop, *this);
  }
  void onReadable() override {
    ++readableCalls_;
    if (whenReadable_) return whenReadable_();
    char bytes[16384];
    const IoResult result = stream_->read(bytes);
    if (result.done()) received_.append(bytes, result.bytes);
    if (result.broken()) {
      ended_ = result;
      stream_.reset();
    }
  }
  void onWritable() override {
    ++writableCalls_;
    if (whenWritable_) return whenWritable_();
    stream_->wantWrite(false);
  }

  std::unique_ptr<Stream> stream_;
  std::string received_;
  IoResult ended_;
  int readableCalls_ = 0;
  int writableCalls_ = 0;
  std::function<void()> whenReadable_;
  std::function<void()> whenWritable_;
};

}  // namespace vigil::runtime
