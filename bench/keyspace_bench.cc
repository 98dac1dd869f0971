// The keyspace alone, without commands and sockets: GET and SET of 16-byte values over a million 16-byte keys, in
// batches of 32 as a pipeline brings them, with and without the two prefetch passes; and the bytes that a key takes.
#include <benchmark/benchmark.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::keyspace {
namespace {

constexpr size_t kKeys = 1'000'000;
constexpr size_t kBatch = 32;
constexpr size_t kNameSize = 16;
constexpr UnixMs kNow = 1'700'000'000'000;

std::string keyName(size_t number) {
  std::string name = "key:000000000000";
  for (size_t at = name.size(); number > 0; number /= 10) name[--at] = static_cast<char>('0' + number % 10);
  return name;
}

class Filled {
 public:
  Filled() {
    db.prepare(kNow, ExpiryMode::kDelete, nullptr, true);
    const int64_t before = usedMemory();
    for (size_t i = 0; i < kKeys; ++i) db.setString(db.ref(keyName(i)), "0123456789abcdeX");
    bytesPerKey = static_cast<double>(usedMemory() - before) / kKeys;
  }
  Keyspace keyspace{Keyspace::Options{.hashSeed = 1}};
  Database db{keyspace, 0};
  double bytesPerKey = 0;
};

Filled& filled() {
  static Filled all;
  return all;
}

template <typename Command>
void runBatches(benchmark::State& state, Command command) {
  Filled& all = filled();
  const bool prefetch = state.range(0) != 0;
  std::mt19937_64 random(1);
  std::string names;  // one after another, so that reading them costs little
  for (size_t i = 0; i < kBatch * 8192; ++i) names += keyName(random() % kKeys);
  std::array<KeyRef, kBatch> batch{};
  size_t at = 0;
  for (auto _ : state) {
    if (at == names.size()) at = 0;
    for (size_t i = 0; i < kBatch; ++i, at += kNameSize) {
      batch[i] = all.keyspace.ref(std::string_view(names).substr(at, kNameSize));
      if (prefetch) all.keyspace.prefetchBucket(0, batch[i].hash);
    }
    if (prefetch) {
      for (const KeyRef& key : batch) all.keyspace.prefetchEntry(0, key.hash);
    }
    for (const KeyRef& key : batch) {
      all.db.prepare(kNow, ExpiryMode::kDelete, nullptr, true);
      command(all.db, key);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
  state.counters["bytes/key"] = all.bytesPerKey;
  state.counters["table bytes/key"] = static_cast<double>(all.keyspace.tableMemory(0)) / kKeys;
}

void get(benchmark::State& state) {
  runBatches(state, [](Database& db, const KeyRef& key) { benchmark::DoNotOptimize(db.find(key)); });
}
BENCHMARK(get)->ArgName("prefetch")->Arg(0)->Arg(1);

void overwrite(benchmark::State& state) {
  runBatches(state, [](Database& db, const KeyRef& key) { db.setString(key, "fedcba987654321X"); });
}
BENCHMARK(overwrite)->ArgName("prefetch")->Arg(0)->Arg(1);

// What a load does: new keys only, growth included.
void insert(benchmark::State& state) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kKeys; ++i) names.push_back(keyName(i));
  for (auto _ : state) {
    Keyspace keyspace(Keyspace::Options{.hashSeed = 1});
    Database db(keyspace, 0);
    db.prepare(kNow, ExpiryMode::kDelete, nullptr, true);
    for (const std::string& name : names) db.setString(keyspace.ref(name), "0123456789abcdeX");
    state.PauseTiming();
    keyspace.detachAll(-1);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kKeys));
}
BENCHMARK(insert)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vigil::keyspace
