#include "engine/evictor.h"

#include <algorithm>
#include <limits>

#include "base/ports/entropy.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "keyspace/keyspace.h"

namespace vigil::engine {

using keyspace::EvictionCandidate;
using keyspace::EvictionPolicy;
using keyspace::EvictionSampling;

namespace {

constexpr size_t kNone = SIZE_MAX;
constexpr int kKeysPerLook = 16;    // evicted between looks at the clock and at the memory in use
constexpr int kSamplesAtFirst = 4;  // into a pool that is not half full

}  // namespace

Evictor::Evictor(Engine& engine, Worker& worker)
    : engine_(engine),
      worker_(worker),
      options_(engine.options().memory),
      randomState_(engine.system().entropy.next64() | 1) {}

uint64_t Evictor::random() {
  randomState_ ^= randomState_ << 13;
  randomState_ ^= randomState_ >> 7;
  randomState_ ^= randomState_ << 17;
  return randomState_;
}

bool Evictor::mayEvict() const {
  const NodeState& state = engine_.state();
  if (state.loading.load(std::memory_order_relaxed) || engine_.expiryPaused()) return false;
  return !state.replica.load(std::memory_order_relaxed) || !options_.replicaIgnores.load(std::memory_order_relaxed);
}

Evictor::Relief Evictor::look(int64_t limit) {
  if (!mayEvict()) return Relief::kEnough;
  const int64_t excess = engine_.memoryLimit().excess(limit);
  if (excess > 0) {
    lookAgainAt_ = std::numeric_limits<int64_t>::min();
    const Clock& clock = engine_.system().clock;
    const MonoUs began = clock.mono();
    const Relief relief = evict(limit, excess + MemoryLimit::slack(limit));
    engine_.latency().note("eviction-cycle", clock.mono() - began);
    if (relief == Relief::kEnough) {
      engine_.memoryLimit().relieved();
    } else {
      engine_.memoryLimit().exceeded();
    }
    if (relief == Relief::kGoesOn) pending_ = true;
    return relief;
  }
  engine_.memoryLimit().relieved();
  // The other workers may take as much meanwhile, and their replies, the log and the background something too.
  const auto takers = static_cast<int64_t>(2 * engine_.workerCount());
  lookAgainAt_ = threadMemory() - excess / takers;
  knownLimit_ = limit;
  return Relief::kEnough;
}

Evictor::Relief Evictor::evict(int64_t limit, int64_t excess) {
  const EvictionSampling how{.policy = options_.policy.load(std::memory_order_relaxed),
                             .access = engine_.keyspace().accessPolicy(),
                             .samples = static_cast<size_t>(options_.samples.load(std::memory_order_relaxed)),
                             .now = worker_.now()};
  if (how.policy != poolPolicy_) pool_.clear();
  poolPolicy_ = how.policy;
  Clock& clock = engine_.system().clock;
  const MonoUs began = clock.mono();
  const int64_t timeLimit = options_.timeLimitUs();
  freed_ = 0;
  for (int tries = 1; freed_ < excess; ++tries) {
    if (!evictOne(how)) return Relief::kNothingLeft;
    if (tries % kKeysPerLook != 0) continue;
    if ((timeLimit >= 0 && clock.mono() - began > timeLimit) || engine_.world().claimed()) return Relief::kGoesOn;
    // Others evict too, and what this one freed may have been shared.
    freed_ = 0;
    excess = engine_.memoryLimit().excess(limit);
    if (excess > 0) excess += MemoryLimit::slack(limit);
  }
  return Relief::kEnough;
}

// Tries to evict one key. False if there is none that may go.
bool Evictor::evictOne(const EvictionSampling& how) {
  const size_t shard = pickShard(how.policy);
  if (shard == kNone) return false;
  if (keyspace::isRandom(how.policy)) {
    evictRandom(shard, how);
    return true;
  }
  fillPool(shard, how);
  for (int i = 1; i < kSamplesAtFirst && pool_.size() < keyspace::EvictionPool::kSize / 2; ++i) {
    const size_t next = pickShard(how.policy);
    if (next != kNone) fillPool(next, how);
  }
  evictBest(how);
  return true;
}

// A random one of the shards in which there is something to evict.
size_t Evictor::pickShard(EvictionPolicy policy) {
  auto& keyspace = engine_.keyspace();
  const size_t count = keyspace.shardCount();
  const size_t first = random() >> 32;
  for (size_t i = 0; i < count; ++i) {
    const size_t shard = (first + i) & (count - 1);
    if (keyspace::evictable(keyspace.shard(shard), keyspace.databaseCount(), policy) != 0) return shard;
  }
  return kNone;
}

void Evictor::fillPool(size_t shard, const EvictionSampling& how) {
  auto& locks = worker_.execution().locks();
  if (!locks.tryAdd(shard)) return;
  auto& keyspace = engine_.keyspace();
  keyspace::sampleShard(keyspace.shard(shard), keyspace.databaseCount(), how, random(), pool_);
  locks.release();
}

void Evictor::evictRandom(size_t shard, const EvictionSampling& how) {
  auto& locks = worker_.execution().locks();
  if (!locks.tryAdd(shard)) return;
  auto& keyspace = engine_.keyspace();
  auto victim = keyspace::randomVictim(keyspace.shard(shard), keyspace.databaseCount(), how.policy, random());
  if (victim) evictHere(shard, *victim);
  locks.release();
}

void Evictor::evictBest(const EvictionSampling& how) {
  auto& locks = worker_.execution().locks();
  auto& keyspace = engine_.keyspace();
  while (auto candidate = pool_.takeBest()) {
    const size_t shard = keyspace.shardNumberOf(candidate->hash);
    if (!locks.tryAdd(shard)) continue;  // somebody is at work there, perhaps on this very key
    bool evicted = false;
    if (const keyspace::Table* table = keyspace.shard(shard).table(candidate->db)) {
      const auto place = table->findHash(candidate->hash);
      // Since it was met it may have been used, or lost its time to live.
      const bool stillGood =
          place && !keyspace.shard(shard).atRest(candidate->hash) && (!keyspace::isVolatile(how.policy) || place.entry()->hasExpire()) &&
          keyspace::evictionScore(how.policy, how.access, *place.entry(), how.now) >= candidate->score;
      if (stillGood) evictHere(shard, *candidate);
      evicted = stillGood;
    }
    locks.release();
    if (evicted) return;
  }
}

void Evictor::evictHere(size_t shard, const EvictionCandidate& candidate) {
  const bool lazily = options_.lazyEviction.load(std::memory_order_relaxed);
  const Clock& clock = engine_.system().clock;
  const bool timed = engine_.latency().watching();
  const MonoUs began = timed ? clock.mono() : 0;
  freed_ += worker_.execution().evict(shard, worker_.now(), candidate.db, candidate.hash, lazily);
  if (timed) engine_.latency().note("eviction-del", clock.mono() - began);
}

void Evictor::startOver() {
  const uint64_t limit = options_.limit.load(std::memory_order_relaxed);
  if (limit == 0) return;
  lookAgainAt_ = std::numeric_limits<int64_t>::min();
  pending_ = true;
}

bool Evictor::step() {
  // Where the world is not free the next turn of the loop tries again.
  return worker_.withinWorldNow([this] {
    pending_ = false;
    relieve();
  }) && pending_;
}

}  // namespace vigil::engine
