// Loads the snapshot that a master sends into a keyspace beside the live one, on an executor of its own, while the old
// data is served. Bytes are handed over in pieces; what waits is counted, so that the reader of the socket can rest.
//
// feed() and finish() on one thread; the loader is shared with the executor's tasks.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/ports/executor.h"
#include "base/result.h"
#include "keyspace/keyspace.h"
#include "persistence/rdb_load.h"

namespace vigil::drivers {

class SnapshotLoader final : public std::enable_shared_from_this<SnapshotLoader> {
 public:
  using Loaded = std::function<void(std::shared_ptr<SnapshotLoader>, Status)>;

  // `drained` is called on the executor when what waits fell below a bound.
  SnapshotLoader(SerialExecutor& executor, const keyspace::Keyspace::Options& keyspace,
                 const persistence::RdbLoadOptions& options, std::function<void()> drained)
      : executor_(executor), keyspace_(keyspace), loader_(keyspace_, options), drained_(std::move(drained)) {}

  void feed(std::string_view bytes) {
    waiting_.fetch_add(bytes.size());
    executor_.submit([self = shared_from_this(), piece = std::string(bytes)] { self->load(piece); });
  }
  // All bytes were fed; `loaded` is called on the executor.
  void finish(Loaded loaded) {
    executor_.submit([self = shared_from_this(), loaded = std::move(loaded)] { loaded(self, self->outcome()); });
  }
  // Any thread: what is still to come is dropped unread.
  void abandon() { abandoned_.store(true); }
  bool full() const { return waiting_.load() > kMostWaiting; }
  bool failed() const { return failed_.load(); }

  // After a finish() without error.
  keyspace::Keyspace& keyspace() { return keyspace_; }
  const persistence::RdbLoader& rdb() const { return loader_; }

 private:
  using State = persistence::RdbLoader::State;
  static constexpr size_t kMostWaiting = 8 << 20;

  void load(std::string_view bytes) {
    size_t size = bytes.size();
    if (!abandoned_.load() && state_ == State::kNeedMore) state_ = loader_.feed(bytes);
    if (state_ == State::kFailed) failed_.store(true);
    size_t before = waiting_.fetch_sub(size);
    if (before > kMostWaiting && before - size <= kMostWaiting) drained_();
  }
  Status outcome() const {
    if (abandoned_.load()) return fail("abandoned");
    if (state_ == State::kFailed) return fail(loader_.error());
    if (state_ == State::kNeedMore) return fail(loader_.truncated());
    return {};
  }

  SerialExecutor& executor_;
  keyspace::Keyspace keyspace_;
  persistence::RdbLoader loader_;
  State state_ = State::kNeedMore;
  const std::function<void()> drained_;
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> failed_{false};
};

}  // namespace vigil::drivers
