// For the stress tests: a node with several workers on loops and threads of their own, real sockets, and clients that
// block. Each test runs for VIGIL_STRESS_SECONDS (3 unless set).
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/log_line.h"
#include "drivers/node.h"
#include "runtime/machine.h"
#include "runtime/test_machine.h"
#include "wire/resp_reply_parser.h"

namespace vigil::stress {

using wire::RespValue;
using Words = std::vector<std::string>;

inline bool waitUntil(const std::function<bool()>& condition, int seconds = 60) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class StressedNode {
 public:
  explicit StressedNode(size_t workers) {
    std::vector<EventLoop*> loops;
    for (size_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<runtime::LoopThread>(machine_.clock(), "vigil-w" + std::to_string(i)));
      loops.push_back(&workers_.back()->loop());
    }
    EXPECT_TRUE(node_.start(loops, control_.loop()));
    auto listener = machine_.system().network.listen(control_.loop(), {"127.0.0.1", port_}, {},
                                                     [this](auto stream) { node_.accept(std::move(stream)); });
    EXPECT_TRUE(listener);
    listener_ = std::move(*listener);
    control_.start();
    for (auto& worker : workers_) worker->start();
    engine().state().loading.store(false);  // there is nothing on a disk that would have to be loaded
  }
  ~StressedNode() {
    control_.stop();
    for (auto& worker : workers_) worker->stop();
    listener_.reset();
    node_.stop();
    machine_.finishTasks();  // which free what the node gave them
  }
  engine::Engine& engine() { return node_.engine(); }
  uint16_t port() const { return port_; }

 private:
  runtime::SilentLogger log_;
  runtime::Machine machine_{log_, 2};
  runtime::LoopThread control_{machine_.clock(), "vigil-control"};
  std::vector<std::unique_ptr<runtime::LoopThread>> workers_;
  drivers::NodeOptions options_;
  drivers::Node node_{machine_.system(), log_, options_};
  std::unique_ptr<Listener> listener_;
  const uint16_t port_ = runtime::freePort();
};

// A client that waits for its replies, at most a minute for each.
class Client {
 public:
  explicit Client(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    timeval bound{.tv_sec = 60, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const Words& command) {
    std::string bytes = "*" + std::to_string(command.size()) + "\r\n";
    for (const std::string& word : command) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  RespValue receive() {
    wire::ReplyParser parser;
    for (;;) {
      size_t taken = 0;
      auto outcome = parser.feed(unread_, taken);
      unread_.erase(0, taken);
      if (outcome == wire::ReplyParser::Outcome::kComplete) return std::move(parser.value());
      char bytes[16384];
      ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
      if (outcome == wire::ReplyParser::Outcome::kProtocolError || got <= 0) {
        ADD_FAILURE() << "no reply: " << (got == 0 ? "closed" : parser.error());
        return {};
      }
      unread_.append(bytes, static_cast<size_t>(got));
    }
  }
  RespValue operator()(const Words& command) {
    send(command);
    return receive();
  }
  // MULTI, the commands, EXEC in one write; EXEC's reply.
  RespValue transaction(const std::vector<Words>& commands) {
    send({"MULTI"});
    for (const Words& command : commands) send(command);
    send({"EXEC"});
    for (size_t i = 0; i <= commands.size(); ++i) {
      RespValue queued = receive();
      EXPECT_FALSE(queued.isError()) << queued.text;
    }
    return receive();
  }

 private:
  int socket_;
  std::string unread_;
};

inline int64_t toInteger(const RespValue& value) {
  if (value.kind == RespValue::Kind::kInteger) return value.integer;
  return value.text.empty() ? 0 : std::stoll(value.text);
}

// Threads that repeat a step, each with a client and a generator of its own, until the time is over.
class Crew {
 public:
  explicit Crew(StressedNode& node) : node_(node) {}
  using Step = std::function<void(Client&, std::mt19937&)>;
  void add(size_t count, Step step) {
    for (size_t i = 0; i < count; ++i) {
      unsigned seed = static_cast<unsigned>(threads_.size()) + 1;
      threads_.emplace_back([this, step, seed] {
        std::mt19937 random(seed);
        Client client(node_.port());
        while (!stop_.load() && !testing::Test::HasFailure()) step(client, random);
      });
    }
  }
  void runAndStop() {
    const char* asked = std::getenv("VIGIL_STRESS_SECONDS");
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(asked ? std::atoi(asked) : 3);
    while (std::chrono::steady_clock::now() < end && !testing::Test::HasFailure()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    stop();
  }
  void stop() {
    stop_.store(true);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  ~Crew() { stop(); }

 private:
  StressedNode& node_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace vigil::stress
