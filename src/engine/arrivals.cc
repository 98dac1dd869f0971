#include "engine/arrivals.h"

#include <string_view>

#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "wire/resp_parser.h"

namespace vigil::engine {

Arrivals::Arrivals(Worker& worker) : worker_(worker), storage_(new char[kStorage]) {}

bool Arrivals::keep(Connection& connection, size_t bytes) {
  if (bytes > kShort) return false;
  arrivals_[count_++] = {&connection, used_, bytes};
  used_ += bytes;
  if (count_ == kMost) run();
  return true;
}

void Arrivals::run() {
  if (count_ > 1) prefetch();
  // Nothing is read while this goes on, so nothing is kept.
  for (size_t i = 0; i < count_; ++i) {
    arrivals_[i].connection->run({storage_.get() + arrivals_[i].from, arrivals_[i].bytes});
  }
  count_ = 0;
  used_ = 0;
}

void Arrivals::prefetch() {
  struct Wanted {
    int db = 0;
    uint64_t hash = 0;
  };
  std::array<Wanted, kMost> wanted;
  size_t keys = 0;
  const keyspace::Keyspace& keyspace = worker_.engine().keyspace();
  if (!worker_.beginPrefetching()) return;
  for (size_t i = 0; i < count_; ++i) {
    const std::string_view key = wire::peekFirstArgument({storage_.get() + arrivals_[i].from, arrivals_[i].bytes});
    if (key.empty()) continue;
    Wanted& one = wanted[keys++];
    one = {arrivals_[i].connection->session().db, keyspace.hashOf(key)};
    keyspace.prefetchBucket(one.db, one.hash);
  }
  for (size_t i = 0; i < keys; ++i) keyspace.prefetchEntry(wanted[i].db, wanted[i].hash);
  worker_.endPrefetching();
}

}  // namespace vigil::engine
