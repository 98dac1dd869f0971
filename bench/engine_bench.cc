// The whole road of a command without sockets: streams in memory hand pipelines of 32 requests to a node's connections
// and drop the replies. A million keys of 16 bytes with values of 64; per row, one node with one worker, one with two, and
// two nodes of one worker at the same time, which share nothing: what two of them lose to each other is the machine's.
//
//   vigil_engine_bench [--keys 1000000] [--rounds 5] [--requests 2000000] [--only SUBSTRING]
//
// cpu: nanoseconds of a worker's thread per request, the least of all rounds. rate: requests per second of all workers,
// the best round. Of two workers, by cpu: how many times the requests of one worker two dedicated cores would serve (2
// is the ideal), which holds on a busy machine too; by rate: how many times they did serve. apart: the same of the two nodes.
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/config.h"
#include "bench_tools.h"
#include "drivers/node.h"
#include "drivers/node_options.h"
#include "engine/worker.h"
#include "runtime/machine.h"

namespace vigil {
namespace {

constexpr size_t kPipeline = 32;
constexpr size_t kStreamsPerWorker = 16;
constexpr size_t kDigits = 6;  // of a key's number that vary

struct Options {
  size_t keys = 1'000'000;
  size_t rounds = 5;
  size_t requests = 2'000'000;  // of each worker in a round
  std::string only;
};

// What the rows of the table differ in.
struct Workload {
  const char* name;
  std::array<const char*, 2> commands;  // in turn
  bool log;
};
constexpr Workload kWorkloads[] = {
    {"SET and GET", {"SET", "GET"}, false}, {"GET", {"GET", "GET"}, false},
    {"SET", {"SET", "SET"}, false},         {"INCR", {"INCR", "INCR"}, false},
    {"LPUSH", {"LPUSH", "LPUSH"}, false},   {"SET and GET, log", {"SET", "GET"}, true},
    {"SET, log", {"SET", "SET"}, true},
};

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string request(const std::string& command, const std::string& key) {
  if (command == "GET" || command == "INCR") return "*2\r\n" + bulk(command) + bulk(key);
  return "*3\r\n" + bulk(command) + bulk(key) + bulk(std::string(command == "LPUSH" ? 16 : 64, 'x'));
}

// A pipeline of requests whose keys' numbers are written anew for each use.
class Pipeline {
 public:
  void use(const Workload& workload) {
    text_.clear();
    places_.clear();
    for (size_t i = 0; i < kPipeline; ++i) {
      const std::string command = workload.commands[i % 2];
      // Counters and lists are other keys; lists are few, as in redis-benchmark, but not one, which only one worker
      // could serve at a time.
      const std::string prefix = command == "INCR" ? "cnt" : command == "LPUSH" ? "lst" : "key";
      const std::string made = request(command, prefix + ":000000000000");
      const size_t key = made.find(prefix + ":");
      places_.push_back(text_.size() + key + 16 - kDigits);
      text_ += made;
    }
    few_ = std::string_view(workload.commands[0]) == "LPUSH";
  }
  size_t size() const { return text_.size(); }
  template <typename Number>
  void writeTo(char* at, Number number) const {
    std::memcpy(at, text_.data(), text_.size());
    for (size_t place : places_) {
      size_t left = few_ ? number() % 64 : number();
      for (size_t digit = kDigits; digit-- > 0; left /= 10) at[place + digit] = static_cast<char>('0' + left % 10);
    }
  }

 private:
  std::string text_;
  std::vector<size_t> places_;
  bool few_ = false;
};

// One worker's side of the benchmark; its members belong to the worker's thread while a round runs.
struct alignas(64) Lane {
  Pipeline pipeline;
  uint64_t random = 88172645463325252u;
  size_t keys = 1;
  size_t sequential = SIZE_MAX;  // loading: the next key; else keys are drawn
  size_t budget = 0;             // pipelines still to be read
  int64_t target = 0;            // of the worker's counter of commands, when all is answered
  size_t written = 0;            // bytes of replies
  bool failed = false;           // an error came back
  std::vector<StreamHandler*> handlers;
  double cpuSeconds = 0;
  std::latch* done = nullptr;
  EventLoop* loop = nullptr;
  engine::Worker* worker = nullptr;
  double startedAt = 0;

  size_t nextKey() {
    if (sequential != SIZE_MAX) return sequential++ % keys;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random % keys;
  }
  void turn();
};

double threadSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void Lane::turn() {
  // Commands that were put back, because the other worker had their shard, run in later turns.
  if (budget == 0 && worker->stats().commands.get() == target) {
    cpuSeconds = threadSeconds() - startedAt;
    return done->count_down();
  }
  for (StreamHandler* handler : handlers) {
    if (budget != 0) handler->onReadable();
  }
  loop->post([this] { turn(); });
}

class MemoryStream final : public SocketlessStream {
 public:
  explicit MemoryStream(std::vector<Lane>& lanes) : lanes_(lanes) {}
  void attach(EventLoop& loop, StreamHandler& handler) override {
    lane_ = &*std::ranges::find(lanes_, &loop, &Lane::loop);
    lane_->handlers.push_back(&handler);
  }
  void detach() override {}
  void wantRead(bool) override {}
  IoResult read(std::span<char> into) override {
    const Pipeline& pipeline = lane_->pipeline;
    if (lane_->budget == 0 || into.size() < pipeline.size()) return {};
    --lane_->budget;
    pipeline.writeTo(into.data(), [this] { return lane_->nextKey(); });
    return {IoResult::Kind::kDone, pipeline.size()};
  }
  IoResult write(std::span<const std::string_view> pieces) override {
    size_t bytes = 0;
    for (std::string_view piece : pieces) {
      if (piece.starts_with('-')) lane_->failed = true;
      bytes += piece.size();
    }
    lane_->written += bytes;
    return {IoResult::Kind::kDone, bytes};
  }

 private:
  std::vector<Lane>& lanes_;
  Lane* lane_ = nullptr;
};

struct Measured {
  double cpuNs = 1e9;  // per request
  double rate = 0;     // requests per second
};

// A node whose workers run, holding the keys.
class Bench {
 public:
  Bench(runtime::Machine& machine, Logger& logger, const Options& options, size_t workers)
      : options_(options), machine_(machine), control_(machine.clock(), "control"), lanes_(workers) {
    drivers::registerOptions(registry_, nodeOptions_);
    const std::string never[] = {""};
    require(static_cast<bool>(registry_.loadDirective("save", never)));
    node_ = std::make_unique<drivers::Node>(machine.system(), logger, nodeOptions_);
    std::vector<EventLoop*> loops;
    for (size_t i = 0; i < workers; ++i) {
      workers_.push_back(std::make_unique<runtime::LoopThread>(machine.clock(), workers == 1 ? "one" : "two"));
      loops.push_back(&workers_.back()->loop());
      lanes_[i].loop = loops.back();
      lanes_[i].random += i * 0x9E3779B97F4A7C15u;
      lanes_[i].keys = options.keys;
    }
    require(static_cast<bool>(node_->start(loops, control_.loop())));
    node_->engine().state().loading.store(false);
    for (size_t i = 0; i < workers; ++i) lanes_[i].worker = &node_->engine().worker(i);
    for (size_t i = 0; i < workers * kStreamsPerWorker; ++i) node_->accept(std::make_unique<MemoryStream>(lanes_));
    for (auto& worker : workers_) worker->start();
    load();
  }
  ~Bench() {
    for (auto& worker : workers_) worker->stop();
    node_->stop();
  }

  Measured run(const Workload& workload) {
    node_->engine().log().setNeeded(oplog::Log::Reason::kReplication, workload.log);
    return run(workload, options_.requests);
  }

 private:
  static void require(bool condition) {
    if (!condition) std::abort();
  }

  void load() {
    for (size_t i = 0; i < lanes_.size(); ++i) lanes_[i].sequential = i * options_.keys / lanes_.size();
    run({"load", {"SET", "SET"}, false}, options_.keys / lanes_.size() + kPipeline);
    for (Lane& lane : lanes_) lane.sequential = SIZE_MAX;
    require(node_->engine().keyspace().size(0) == options_.keys);
  }

  Measured run(const Workload& workload, size_t requests) {
    const size_t pipelines = (requests + kPipeline - 1) / kPipeline;
    std::latch start(static_cast<ptrdiff_t>(lanes_.size()));
    std::latch done(static_cast<ptrdiff_t>(lanes_.size()));
    for (Lane& lane : lanes_) {
      lane.loop->post([&lane, &workload, &start, &done, pipelines] {
        lane.pipeline.use(workload);
        lane.budget = pipelines;
        lane.target = lane.worker->stats().commands.get() + static_cast<int64_t>(pipelines * kPipeline);
        lane.done = &done;
        start.arrive_and_wait();
        lane.startedAt = threadSeconds();
        lane.turn();
      });
    }
    start.wait();
    const MonoUs began = machine_.clock().mono();
    done.wait();
    const double seconds = 1e-6 * static_cast<double>(machine_.clock().mono() - began);
    const auto served = static_cast<double>(pipelines * kPipeline * lanes_.size());
    double cpu = 0;
    for (Lane& lane : lanes_) {
      require(!lane.failed && lane.written != 0);
      cpu += lane.cpuSeconds;
    }
    return {.cpuNs = 1e9 * cpu / served, .rate = served / seconds};
  }

  const Options& options_;
  runtime::Machine& machine_;
  drivers::NodeOptions nodeOptions_;
  ConfigRegistry registry_;
  runtime::LoopThread control_;
  std::vector<std::unique_ptr<runtime::LoopThread>> workers_;
  std::vector<Lane> lanes_;
  std::unique_ptr<drivers::Node> node_;
};

Measured runApart(Bench& a, Bench& b, const Workload& workload) {
  Measured ofA;
  std::thread other([&] { ofA = a.run(workload); });
  const Measured ofB = b.run(workload);
  other.join();
  return {.cpuNs = (ofA.cpuNs + ofB.cpuNs) / 2, .rate = ofA.rate + ofB.rate};
}

void compare(Bench& one, Bench& another, Bench& two, const Workload& workload, size_t rounds) {
  Measured best[3];
  for (size_t round = 0; round < rounds; ++round) {
    const Measured measured[] = {one.run(workload), two.run(workload), runApart(one, another, workload)};
    for (size_t i = 0; i < std::size(best); ++i) {
      best[i].cpuNs = std::min(best[i].cpuNs, measured[i].cpuNs);
      best[i].rate = std::max(best[i].rate, measured[i].rate);
    }
  }
  const auto over = [&](size_t i) { return 2 * best[0].cpuNs / best[i].cpuNs; };
  std::printf("%-18s one: %6.1f ns %9.0f/s   two: %6.1f ns %9.0f/s   two over one: %.2f by cpu, %.2f by rate   apart: %6.1f ns, %.2f by cpu\n",
              workload.name, best[0].cpuNs, best[0].rate, best[1].cpuNs, best[1].rate, over(1), best[1].rate / best[0].rate,
              best[2].cpuNs, over(2));
  std::fflush(stdout);
}

int run(const Options& options) {
  SilentLogger logger;
  runtime::Machine machine(logger, 2);
  Bench one(machine, logger, options, 1);
  Bench another(machine, logger, options, 1);
  Bench two(machine, logger, options, 2);
  for (const Workload& workload : kWorkloads) {
    if (std::string_view(workload.name).find(options.only) != std::string_view::npos) {
      compare(one, another, two, workload, options.rounds);
    }
  }
  return 0;
}

}  // namespace
}  // namespace vigil

int main(int argc, char** argv) {
  vigil::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--keys") options.keys = std::strtoull(value, nullptr, 10);
    if (name == "--rounds") options.rounds = std::strtoull(value, nullptr, 10);
    if (name == "--requests") options.requests = std::strtoull(value, nullptr, 10);
    if (name == "--only") options.only = value;
  }
  return vigil::run(options);
}
