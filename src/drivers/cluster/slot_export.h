// The source's end of one atomic migration: sends the keys of the slots as of one moment, then the log from there on as
// far as it concerns them, and hears how far the target has come.
//
//   control:   the connection
//   executor:  what goes out: the snapshot as commands, then the filtered log, with marks that the target answers
//   workers:   walk the snapshot; say that the log has grown
//
// The snapshot is walked as fast as the target takes it, unless that takes nothing at all. What it does not take at once
// waits in memory up to a bound, then on disk: it holds up nobody. There is always something that the target is to answer,
// so that either end notices when the other can no longer be reached.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/ports/executor.h"
#include "base/ports/stream.h"
#include "cluster/migration_job.h"
#include "drivers/cluster/slot_tail.h"
#include "drivers/persistence/rdb_driver.h"
#include "drivers/persistence/snapshot_runner.h"
#include "drivers/replication/replication.h"
#include "oplog/log.h"
#include "oplog/spill.h"
#include "persistence/rdb_save.h"
#include "wire/resp_reply_parser.h"

namespace vigil::drivers {

class SlotExport final : public StreamHandler, public oplog::Sink, public std::enable_shared_from_this<SlotExport> {
 public:
  using News = cluster::MigrationNews;
  using Tell = std::function<void(News)>;  // any thread
  struct Place {
    engine::Engine& engine;
    Replication& replication;
    RdbDriver& rdb;
    SerialExecutor& executor;
    Tell tell;
  };
  SlotExport(Place place, std::string job, const SlotSet& slots);

  // --- Control thread ---
  // `hello`: what is said first; the last of its `answers` tells whether the target takes part.
  void open(std::unique_ptr<Stream> stream, std::string hello, size_t answers);
  void copy();
  void claim(uint64_t epoch);
  void close();
  void stop();  // the loops have stopped

  void pump() override;
  void onReadable() override;
  void onWritable() override;

  // The executor's.
  Status send(std::string_view bytes);
  // Any thread: whether the snapshot may be walked on. The workers are woken when it may again.
  bool roomy() const;

 private:
  enum class Awaited : uint8_t { kHello, kMark, kClaim };

  void beginCopy();
  void copied(const Status& status);
  void drain();
  bool readDisk();
  void mark();
  void keepAlive();
  void sendMark(oplog::Offset offset);
  void refill();
  void flush();
  void sent();
  void watchTarget();
  void beat();
  void flushLater();
  bool takeReplies();
  bool onReply(const wire::RespValue& reply);
  void lose(std::string why);

  const Place place_;
  const std::string job_;
  const SlotSet slots_;
  std::atomic<bool> closed_{false};

  // The control thread's.
  std::unique_ptr<Stream> stream_;
  bool connected_ = false;
  wire::ReplyParser parser_{wire::kShortReplies};
  std::string input_;
  std::deque<Awaited> awaited_;
  size_t hellos_ = 0;
  bool sinkAdded_ = false;
  bool takes_ = false;  // the target has taken something since we looked
  bool heard_ = false;  // or answered, since the last beat
  int silentBeats_ = 0;

  std::atomic<bool> flushPosted_{false};
  std::atomic<bool> drainPosted_{false};
  std::atomic<bool> markOut_{false};
  std::atomic<bool> spilling_{false};
  std::atomic<size_t> queued_{0};  // `waiting_`, for whom the lock is too much
  std::atomic<bool> patient_{true};
  mutable std::atomic<bool> resting_{false};  // the snapshot is not walked on

  Mutex mutex_;
  std::deque<std::string> output_ GUARDED_BY(mutex_);
  size_t waiting_ GUARDED_BY(mutex_) = 0;  // bytes of those
  size_t sent_ GUARDED_BY(mutex_) = 0;     // of the first of them
  std::deque<Awaited> asked_ GUARDED_BY(mutex_);  // what is among the output wants an answer
  // Set with the world held, when the copy begins.
  std::shared_ptr<RunningSnapshot> snapshot_ GUARDED_BY(mutex_);
  std::shared_ptr<persistence::RdbSave> save_ GUARDED_BY(mutex_);

  // The executor's, once the snapshot has been written.
  oplog::Cursor cursor_;
  SlotTail tail_;
  bool told_ = false;
  bool failed_ = false;
  oplog::Offset marked_ = -1;
  std::unique_ptr<oplog::Spill> spill_;
  int64_t spilledTo_ = 0;
  int64_t spillRead_ = 0;
};

}  // namespace vigil::drivers
