// Lists against std::deque<std::string>, which does no encoding, no snapshots and takes far more memory.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <utility>

#include "ds/chunked_list.h"

namespace vigil::ds {
namespace {

constexpr std::string_view kText = "value:0123456789";

ChunkedList listOf(size_t n) {
  ChunkedList list;
  for (size_t i = 0; i < n; ++i) list.pushBack(kText);
  return list;
}

void chunkedPushFront(benchmark::State& state) {
  ChunkedList list;
  for (auto _ : state) list.pushFront(kText);
}
BENCHMARK(chunkedPushFront)->Iterations(2'000'000);

void dequePushFront(benchmark::State& state) {
  std::deque<std::string> list;
  for (auto _ : state) list.emplace_front(kText);
}
BENCHMARK(dequePushFront)->Iterations(2'000'000);

void chunkedPushBack(benchmark::State& state) {
  ChunkedList list;
  for (auto _ : state) list.pushBack(kText);
}
BENCHMARK(chunkedPushBack)->Iterations(2'000'000);

void chunkedPopFront(benchmark::State& state) {
  ChunkedList list = listOf(2'000'000);
  for (auto _ : state) {
    benchmark::DoNotOptimize(list.front());
    list.popFront();
  }
}
BENCHMARK(chunkedPopFront)->Iterations(2'000'000);

void dequePopFront(benchmark::State& state) {
  std::deque<std::string> list(2'000'000, std::string(kText));
  for (auto _ : state) {
    const std::string front = std::move(list.front());
    benchmark::DoNotOptimize(front.data());
    list.pop_front();
  }
}
BENCHMARK(dequePopFront)->Iterations(2'000'000);

// A queue that stays about as long as it is: LPUSH and RPOP in turn.
void chunkedQueue(benchmark::State& state) {
  ChunkedList list = listOf(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    list.pushFront(kText);
    list.popBack();
  }
}
BENCHMARK(chunkedQueue)->Arg(10)->Arg(440)->Arg(100'000);

void chunkedIndex(benchmark::State& state) {
  const ChunkedList list = listOf(static_cast<size_t>(state.range(0)));
  size_t index = 0;
  for (auto _ : state) {
    index = (index + 7'919'993) % list.size();
    benchmark::DoNotOptimize(list.at(index));
  }
}
BENCHMARK(chunkedIndex)->Arg(100)->Arg(1'000'000);

void chunkedIterate(benchmark::State& state) {
  const ChunkedList list = listOf(100'000);
  for (auto _ : state) {
    for (auto at = list.cursorAt(0); at.valid(); at.next()) benchmark::DoNotOptimize(at.element());
  }
  state.SetItemsProcessed(state.iterations() * 100'000);
}
BENCHMARK(chunkedIterate);

// The worst step under a snapshot: each write meets a chunk and a path that are shared.
void chunkedSetAfterSnapshot(benchmark::State& state) {
  ChunkedList list = listOf(1'000'000);
  size_t index = 0;
  for (auto _ : state) {
    const ChunkedList frozen = list.snapshot();
    index = (index + 7'919'993) % list.size();
    list.set(index, kText);
  }
}
BENCHMARK(chunkedSetAfterSnapshot);

}  // namespace
}  // namespace vigil::ds
