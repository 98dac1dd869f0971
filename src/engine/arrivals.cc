#include "engine/arrivals.h"

#include <string_view>

#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "wire/resp_parser.h"

namespace vigil::engine {

Arrivals::Arrivals(Worker& worker) : worker_(worker), storage_(new char[kStorage]) {}

// Whether nobody else changes the tables.
bool Arrivals::alone() const {
  Engine& engine = worker_.engine();
  return engine.workerCount() == 1 && !engine.state().loading.load(std::memory_order_relaxed);
}

bool Arrivals::keep(Connection& connection, size_t bytes) {
  if (bytes > kShort) return false;
  Arrival& arrival = arrivals_[count_++];
  arrival = {.connection = &connection, .from = used_, .bytes = bytes};
  used_ += bytes;
  if (alone()) prefetchBucket(arrival);
  if (count_ == kMost) run();
  return true;
}

void Arrivals::run() {
  if (count_ > 1) prefetchEntries();
  // Nothing is read while this goes on, so nothing is kept.
  for (size_t i = 0; i < count_; ++i) {
    arrivals_[i].connection->run({storage_.get() + arrivals_[i].from, arrivals_[i].bytes});
  }
  count_ = 0;
  used_ = 0;
}

void Arrivals::prefetchBucket(Arrival& arrival) const {
  const std::string_view key = wire::peekFirstArgument({storage_.get() + arrival.from, arrival.bytes});
  if (key.empty()) return;
  const keyspace::Keyspace& keyspace = worker_.engine().keyspace();
  arrival.hasKey = true;
  arrival.db = arrival.connection->session().db;
  arrival.hash = keyspace.hashOf(key);
  keyspace.prefetchBucket(arrival.db, arrival.hash);
}

void Arrivals::prefetchEntries() {
  if (!worker_.beginPrefetching()) return;
  const std::span arrivals(arrivals_.data(), count_);
  if (!alone()) {
    for (Arrival& arrival : arrivals) prefetchBucket(arrival);
  }
  for (const Arrival& arrival : arrivals) {
    if (arrival.hasKey) worker_.engine().keyspace().prefetchEntry(arrival.db, arrival.hash);
  }
  worker_.endPrefetching();
}

}  // namespace vigil::engine
