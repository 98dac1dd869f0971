#include "engine/statistics.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/memory.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

// What CONFIG RESETSTAT sets back.
constexpr Counter WorkerStats::*kCounters[] = {
    &WorkerStats::commands,
    &WorkerStats::connections,
    &WorkerStats::netInput,
    &WorkerStats::netOutput,
    &WorkerStats::reads,
    &WorkerStats::writes,
    &WorkerStats::expireCyclesCut,
    &WorkerStats::errorReplies,
    &WorkerStats::queryBufferLimitDisconnections,
    &WorkerStats::outputBufferLimitDisconnections,
    &WorkerStats::evictedClients,
    &WorkerStats::upkeepUs,
};

}  // namespace

CommandStatistics::~CommandStatistics() {
  for (size_t i = 0; i < size_; ++i) delete counters_[i].histogram.load(std::memory_order_relaxed);
}

ds::LatencyHistogram* CommandStatistics::makeHistogram(Counters& counters) {
  auto histogram = std::make_unique<ds::LatencyHistogram>();
  counters.histogram.store(histogram.get(), std::memory_order_release);
  return histogram.release();
}

void CommandStatistics::addTo(size_t command, ds::LatencyDistribution& distribution) const {
  if (const auto* histogram = counters_[command].histogram.load(std::memory_order_acquire)) {
    histogram->addTo(distribution);
  }
}

void CommandStatistics::error(const std::string& code) {
  MutexLock guard(mutex_);
  auto at = errors_.find(code);
  if (at != errors_.end()) {
    ++at->second;
  } else if (errors_.size() < kMaxErrorCodes) {
    errors_.emplace(code, 1);
  }
}

void CommandStatistics::addTo(std::vector<CommandTotals>& totals) const {
  for (size_t i = 0; i < std::min(size_, totals.size()); ++i) {
    totals[i].calls += counters_[i].calls.get();
    totals[i].nanoseconds += counters_[i].nanoseconds.get();
    totals[i].rejected += counters_[i].rejected.get();
    totals[i].failed += counters_[i].failed.get();
  }
}

void CommandStatistics::addErrorsTo(std::map<std::string, int64_t>& errors) const {
  MutexLock guard(mutex_);
  for (const auto& [code, count] : errors_) errors[code] += count;
}

void Rate::sample(MonoUs now, int64_t total) {
  if (lastTime_ != 0 && now > lastTime_) {
    samples_[next_] = (total - lastTotal_) * 1'000'000 / (now - lastTime_);
    next_ = (next_ + 1) % kSamples;
    int64_t sum = std::accumulate(samples_.begin(), samples_.end(), int64_t{0});
    perSecond_.store(sum / static_cast<int64_t>(kSamples), std::memory_order_relaxed);
  }
  lastTime_ = now;
  lastTotal_ = total;
}

int64_t Statistics::since(Counter WorkerStats::*counter) const {
  int64_t total = engine_.sum(counter);
  auto at = std::ranges::find(kCounters, counter);
  MutexLock guard(mutex_);
  auto mark = marks_.counters.find(static_cast<size_t>(at - std::begin(kCounters)));
  return mark == marks_.counters.end() ? total : total - mark->second;
}

int64_t Statistics::rejectedConnections() const {
  MutexLock guard(mutex_);
  return engine_.rejectedConnections().load(std::memory_order_relaxed) - marks_.rejectedConnections;
}

int64_t Statistics::replicationInput() const {
  MutexLock guard(mutex_);
  return engine_.state().replicationInput.load(std::memory_order_relaxed) - marks_.replicationInput;
}

int64_t Statistics::replicationOutput() const {
  MutexLock guard(mutex_);
  return engine_.state().replicationOutput.load(std::memory_order_relaxed) - marks_.replicationOutput;
}

keyspace::Keyspace::Statistics Statistics::keyspace() const {
  auto now = engine_.keyspace().statistics();
  MutexLock guard(mutex_);
  now.hits -= marks_.keyspace.hits;
  now.misses -= marks_.keyspace.misses;
  now.expired -= marks_.keyspace.expired;
  now.evicted -= marks_.keyspace.evicted;
  return now;
}

int64_t Statistics::evictionExceededUs() const {
  MutexLock guard(mutex_);
  return engine_.memoryLimit().exceededTotalUs() - marks_.evictionExceededUs;
}

int64_t Statistics::lazilyFreed() const {
  MutexLock guard(mutex_);
  return engine_.reaperDone() - marks_.lazilyFreed;
}

std::vector<CommandTotals> Statistics::allCommands() const {
  std::vector<CommandTotals> totals(engine_.commands().indexCount());
  for (size_t i = 0; i < engine_.workerCount(); ++i) engine_.worker(i).commandStatistics().addTo(totals);
  return totals;
}

std::map<std::string, int64_t> Statistics::allErrors() const {
  std::map<std::string, int64_t> errors;
  for (size_t i = 0; i < engine_.workerCount(); ++i) engine_.worker(i).commandStatistics().addErrorsTo(errors);
  return errors;
}

std::vector<CommandTotals> Statistics::commands() const {
  auto totals = allCommands();
  MutexLock guard(mutex_);
  for (size_t i = 0; i < std::min(totals.size(), marks_.commands.size()); ++i) {
    totals[i].calls -= marks_.commands[i].calls;
    totals[i].nanoseconds -= marks_.commands[i].nanoseconds;
    totals[i].rejected -= marks_.commands[i].rejected;
    totals[i].failed -= marks_.commands[i].failed;
  }
  return totals;
}

ds::LatencyDistribution Statistics::allLatency(size_t command) const {
  ds::LatencyDistribution distribution;
  for (size_t i = 0; i < engine_.workerCount(); ++i) {
    engine_.worker(i).commandStatistics().addTo(command, distribution);
  }
  return distribution;
}

ds::LatencyDistribution Statistics::latency(size_t command) const {
  auto distribution = allLatency(command);
  MutexLock guard(mutex_);
  auto mark = marks_.latencies.find(command);
  if (mark != marks_.latencies.end()) distribution.subtract(mark->second);
  return distribution;
}

std::map<std::string, int64_t> Statistics::errors() const {
  auto errors = allErrors();
  MutexLock guard(mutex_);
  for (const auto& [code, count] : marks_.errors) errors[code] -= count;
  std::erase_if(errors, [](const auto& error) { return error.second <= 0; });
  return errors;
}

void Statistics::reset() {
  Marks marks;
  for (size_t i = 0; i < std::size(kCounters); ++i) marks.counters[i] = engine_.sum(kCounters[i]);
  marks.rejectedConnections = engine_.rejectedConnections().load(std::memory_order_relaxed);
  marks.replicationInput = engine_.state().replicationInput.load(std::memory_order_relaxed);
  marks.replicationOutput = engine_.state().replicationOutput.load(std::memory_order_relaxed);
  marks.keyspace = engine_.keyspace().statistics();
  marks.evictionExceededUs = engine_.memoryLimit().exceededTotalUs();
  marks.lazilyFreed = engine_.reaperDone();
  marks.commands = allCommands();
  for (size_t i = 0; i < engine_.commands().indexCount(); ++i) {
    auto distribution = allLatency(i);
    if (!distribution.empty()) marks.latencies.emplace(i, std::move(distribution));
  }
  marks.errors = allErrors();
  engine_.slotUsage().clearAll();
  MutexLock guard(mutex_);
  marks_ = std::move(marks);
}

void Statistics::sample(MonoUs now) {
  commandRate_.sample(now, engine_.sum(&WorkerStats::commands));
  turnRate_.sample(now, engine_.sum(&WorkerStats::turns));
  turnTimeRate_.sample(now, engine_.sum(&WorkerStats::turnsUs));
  inputRate_.sample(now, engine_.sum(&WorkerStats::netInput));
  outputRate_.sample(now, engine_.sum(&WorkerStats::netOutput));
  replicationInputRate_.sample(now, engine_.state().replicationInput.load(std::memory_order_relaxed));
  replicationOutputRate_.sample(now, engine_.state().replicationOutput.load(std::memory_order_relaxed));
  peakMemory();
}

int64_t Statistics::peakMemory() {
  int64_t used = usedMemory();
  int64_t peak = peakMemory_.load(std::memory_order_relaxed);
  while (used > peak && !peakMemory_.compare_exchange_weak(peak, used, std::memory_order_relaxed)) {
  }
  return std::max(used, peak);
}

void Statistics::markStart() { startMemory_ = usedMemory(); }

}  // namespace vigil::engine
