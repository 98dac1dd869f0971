// What a replica's apply takes, without sockets: a stream in memory hands SETs of random keys (a million of 16 bytes, values
// of 64) to the end that follows a master, which parses and runs them and keeps their bytes in its own log.
//
//   vigil_apply_bench [--keys 1000000] [--commands 4000000] [--rounds 3] [--workers 4]
//
// Nanoseconds of the clock on the wall per command, the least of all rounds, for one worker up to so many.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/config.h"
#include "bench_tools.h"
#include "drivers/node.h"
#include "drivers/node_options.h"
#include "drivers/replication/master_stream.h"
#include "engine/worker.h"
#include "runtime/machine.h"

namespace vigil {
namespace {

// SETs, one behind the other, as many as are asked for.
class SetStream final : public SocketlessStream {
 public:
  SetStream(size_t keys, std::atomic<int64_t>& bytesLeft) : keys_(keys), left_(bytesLeft) {}
  static std::string command(size_t key) {
    std::string digits = std::to_string(key);
    digits.insert(0, 12 - digits.size(), '0');
    return "*3\r\n$3\r\nSET\r\n$16\r\nkey:" + digits + "\r\n$64\r\n" + std::string(64, 'x') + "\r\n";
  }
  void attach(EventLoop&, StreamHandler& handler) override { handler_ = &handler; }
  void detach() override { handler_ = nullptr; }
  void wantRead(bool wanted) override { wanted_ = wanted; }
  IoResult read(std::span<char> into) override {
    size_t put = 0;
    const std::string form = command(0);
    while (left_.load(std::memory_order_relaxed) > 0 && put + form.size() <= into.size()) {
      std::memcpy(into.data() + put, form.data(), form.size());
      size_t key = next();
      for (size_t digit = form.find("key:") + 16; key != 0; key /= 10) into[put + --digit] = static_cast<char>('0' + key % 10);
      put += form.size();
      left_.fetch_sub(static_cast<int64_t>(form.size()), std::memory_order_relaxed);
    }
    return put == 0 ? IoResult{} : IoResult{IoResult::Kind::kDone, put};
  }
  IoResult write(std::span<const std::string_view> pieces) override {
    size_t bytes = 0;
    for (std::string_view piece : pieces) bytes += piece.size();
    return {IoResult::Kind::kDone, bytes};
  }
  // The handler while it wants to read.
  StreamHandler* reader() const { return wanted_ ? handler_ : nullptr; }

 private:
  size_t next() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_ % keys_;
  }

  const size_t keys_;
  std::atomic<int64_t>& left_;
  StreamHandler* handler_ = nullptr;
  bool wanted_ = true;
  uint64_t random_ = 88172645463325252u;
};

struct LiveOwner final : drivers::MasterStream::Owner {
  bool isLive(uint64_t) const override { return true; }
  oplog::Offset durable() const override { return -1; }
  bool endsOnPropagationError() const override { return true; }
  void streamEnded(uint64_t, drivers::MasterStream::Ending, std::string why) override {
    std::fprintf(stderr, "the stream ended: %s\n", why.c_str());
    std::abort();
  }
};

class Replica {
 public:
  Replica(runtime::Machine& machine, Logger& logger, size_t workers, size_t keys) : machine_(machine), control_(machine.clock(), "control") {
    drivers::registerOptions(registry_, options_);
    const std::string never[] = {""};
    if (!registry_.loadDirective("save", never)) std::abort();
    node_ = std::make_unique<drivers::Node>(machine.system(), logger, options_);
    std::vector<EventLoop*> loops;
    for (size_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<runtime::LoopThread>(machine.clock(), "worker"));
      loops.push_back(&workers_.back()->loop());
    }
    if (!node_->start(loops, control_.loop())) std::abort();
    engine::Engine& engine = node_->engine();
    engine.state().loading.store(false);
    engine.state().replica.store(true);
    engine.log().setNeeded(oplog::Log::Reason::kReplication, true);
    auto stream = std::make_unique<SetStream>(keys, left_);
    source_ = stream.get();
    apply_ = std::make_shared<drivers::MasterStream>(owner_, engine.worker(0), 1, std::move(stream), "", 0);
    for (auto& worker : workers_) worker->start();
    apply_->start();
  }
  ~Replica() {
    apply_->stop();
    for (auto& worker : workers_) worker->stop();
    node_->stop();
  }

  // Seconds.
  double run(size_t commands) {
    engine::Engine& engine = node_->engine();
    const auto bytes = static_cast<int64_t>(commands * SetStream::command(0).size());
    const oplog::Offset end = engine.log().end() + bytes;
    const MonoUs began = machine_.clock().mono();
    left_.store(bytes);
    engine.worker(0).loop().post([this] { turn(); });
    while (engine.log().end() != end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return 1e-6 * static_cast<double>(machine_.clock().mono() - began);
  }

 private:
  // As the poller would: what has come is read once a turn.
  void turn() {
    if (left_.load() <= 0) return;
    if (StreamHandler* reader = source_->reader()) reader->onReadable();
    node_->engine().worker(0).loop().post([this] { turn(); });
  }

  runtime::Machine& machine_;
  drivers::NodeOptions options_;
  ConfigRegistry registry_;
  runtime::LoopThread control_;
  std::vector<std::unique_ptr<runtime::LoopThread>> workers_;
  std::unique_ptr<drivers::Node> node_;
  LiveOwner owner_;
  std::atomic<int64_t> left_{0};
  SetStream* source_ = nullptr;
  std::shared_ptr<drivers::MasterStream> apply_;
};

int run(size_t keys, size_t commands, size_t rounds, size_t mostWorkers) {
  SilentLogger logger;
  runtime::Machine machine(logger, 2);
  double one = 0;
  for (size_t workers = 1; workers <= mostWorkers; ++workers) {
    Replica replica(machine, logger, workers, keys);
    replica.run(2 * keys);  // most keys are there then
    double best = 1e9;
    for (size_t round = 0; round < rounds; ++round) best = std::min(best, replica.run(commands));
    const double nanos = 1e9 * best / static_cast<double>(commands);
    if (workers == 1) one = nanos;
    std::printf("workers: %zu   %6.1f ns a command   %.2f times as fast as one\n", workers, nanos, one / nanos);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace vigil

int main(int argc, char** argv) {
  size_t keys = 1'000'000, commands = 4'000'000, rounds = 3, workers = 4;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const size_t value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--keys") keys = value;
    if (name == "--commands") commands = value;
    if (name == "--rounds") rounds = value;
    if (name == "--workers") workers = value;
  }
  return vigil::run(keys, commands, rounds, workers);
}
