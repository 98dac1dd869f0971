// The command log: every write of this node becomes one record, in RESP, at one byte offset. The replication backlog,
// each replica's stream, the AOF and WAIT are cursors on it; there is no second queue of writes anywhere.
//
// Offsets count bytes of the PSYNC stream since its history began: the log's end is what INFO calls
// master_repl_offset, and the byte behind offset o is the one that Redis numbers o + 1.
//
//   blocks:  [ 4096 … 70000 ) -> [ 70000 … 131000 ) -> [ 131000 … end … )
//              ^ start()             ^ a cursor                ^ published()   ^ end()
//
// A record never straddles two blocks. Appending takes the log's lock only to reserve a range, and to copy into it what is
// small and has been encoded before; larger records are encoded into their range outside the lock, and published() moves
// on in the order of the offsets as they are done. Readers see published bytes only.
// A block is freed when it is outside the backlog and no cursor stands in it or before it. What lies outside the
// backlog is in memory only up to a bound; beyond it the oldest blocks go to the spill on disk, so a slow reader costs
// disk, not memory.
//
// While nobody needs the log (no AOF, no replica, no backlog) it is inactive: append() does nothing and offsets stand
// still, as in Redis.
//
// Thread safe. Lock order: world, shards, log, leaf locks.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/spin_mutex.h"
#include "oplog/history.h"

namespace vigil {
class SerialExecutor;
}

namespace vigil::oplog {

using Args = std::span<const std::string_view>;

// A run of records. Bytes below the log's published offset never change. Guarded by the log's lock, except that the
// bytes themselves are written by whoever reserved them.
struct alignas(64) Block {  // one cache line
  Block(Offset start, size_t capacity) : start(start), capacity(capacity), bytes(new char[capacity]) {}
  Offset end() const { return start + static_cast<Offset>(reserved); }
  const Offset start;
  const size_t capacity;
  std::shared_ptr<char[]> bytes;  // null: in the spill
  size_t reserved = 0;
  // Where units begin (relative to start), growing: a unit is one record, or a whole MULTI … EXEC.
  std::vector<uint32_t> units;
};

class Log;
class Spill;

// A reader's place. What it has not read is kept for it: in memory as far as the log may hold it, else in the spill.
// Belongs to one reader, which may move between threads but uses it on one at a time.
class Cursor {
 public:
  enum class State : uint8_t {
    kReady,   // peek() has bytes
    kEmpty,   // nothing published beyond the position, or beyond the limit
    kOnDisk,  // the bytes are in the spill: Log::readSpilled(), away from the data plane
    kLost,    // the spill had no room: the reader must start anew
  };
  Cursor() = default;
  Cursor(Cursor&&) = default;
  Cursor& operator=(Cursor&&) = default;

  bool valid() const { return place_ != nullptr; }
  Offset position() const { return place_->position.load(std::memory_order_relaxed); }
  bool lost() const { return place_->lost.load(std::memory_order_acquire); }
  State state(Offset limit);
  // Published bytes at the position, at most up to offset `limit`: as many as lie in one piece; empty unless kReady.
  // The view stays valid until the next call of peek() or state().
  std::string_view peek(Offset limit);
  void advance(size_t bytes) {
    place_->position.store(position() + static_cast<Offset>(bytes), std::memory_order_release);
  }
  // The greatest offset <= `limit` at which a unit ends, within the piece that peek(limit) gives (position() if none).
  Offset unitEnd(Offset limit);

 private:
  friend class Log;
  struct Place {
    std::atomic<Offset> position;
    std::atomic<bool> lost{false};
  };
  Log* log_ = nullptr;
  std::shared_ptr<Place> place_;    // the log keeps a weak pointer
  std::shared_ptr<Block> block_;    // where the position was found last
  std::shared_ptr<char[]> pinned_;  // the piece that peek() gave
};

// Somebody to whom new bytes are pushed: the AOF first, then replicas.
class Sink {
 public:
  virtual ~Sink() = default;
  // Takes what is there up to the limit of its own rules, without blocking. Any thread; concurrent calls are possible.
  virtual void pump() = 0;
};

class Log {
 public:
  Log(History history, Offset start);
  ~Log();

  // --- Appending (the caller holds the shards that the record touches) ---
  // Whether a replica or a backlog is there: records that change no data enter only then.
  bool replicating() const { return replicating_.load(std::memory_order_relaxed); }
  bool active() const { return active_.load(std::memory_order_relaxed); }
  // One command as one unit. Returns the offset behind it (end() if inactive).
  Offset append(int db, Args command);
  // Several commands as one unit; the caller includes MULTI and EXEC where they belong.
  struct Record {
    int db;
    Args command;
  };
  Offset appendUnit(std::span<const Record> records);
  // Bytes of a master's stream as they came: whole commands; `unitStarts` are offsets within `bytes` at which units
  // begin. No SELECT is added.
  Offset appendStream(std::string_view bytes, std::span<const uint32_t> unitStarts);
  // The next record selects its database whatever came before (a new replica, a new AOF file, a promotion).
  void forceSelect();
  // The database that the stream has selected at end(), -1 if none: repl-stream-db. World held.
  int selectedDb() const;
  void setSelectedDb(int db);

  // --- Offsets ---
  Offset end() const { return end_.load(std::memory_order_acquire); }
  Offset published() const { return published_.load(std::memory_order_acquire); }
  Offset start() const;  // the oldest byte held in memory for the backlog
  // A cursor at `at`; invalid if those bytes are not held any more, or not there yet.
  Cursor cursor(Offset at);
  // Bytes from the spill for a cursor that is kOnDisk; may block for as long as the disk takes. Any thread.
  Result<size_t> readSpilled(Offset at, std::span<char> into);

  // --- Who needs it (control thread) ---
  // The log is active while any reason is given.
  enum class Reason : uint8_t { kAof = 1, kReplication = 2 };
  void setNeeded(Reason reason, bool needed);
  bool needed(Reason reason) const;
  void setBacklogSize(size_t bytes);
  size_t backlogSize() const { return backlogSize_.load(std::memory_order_relaxed); }
  void dropBacklog();  // repl-backlog-ttl: forgets what no cursor needs
  size_t memory() const;
  size_t memoryBeyondBacklog() const;  // held for readers that are slower than the backlog is long
  uint64_t spilled() const;  // bytes on disk
  void setSpillLimit(uint64_t bytes);
  // Where slow readers' bytes go, and who writes them there; `failed` hears why cursors were lost. Set up before use.
  void useSpill(Spill* spill, SerialExecutor* writer, std::function<void(const Error&)> failed);

  // --- History (changed with the world held) ---
  History history() const;
  History tellHistory();  // the same, to be told to another node
  void setHistory(History history);
  // A full resync was loaded: everything held is forgotten, the log goes on at `start`.
  void restart(History history, Offset start);

  // --- Sinks ---
  // Order of pumping: by rank, the AOF being 0.
  void addSink(Sink* sink, int rank);
  void removeSink(Sink* sink);  // on return, no call is running
  // Called by workers after a batch and before the replies that depend on it leave.
  void pump();

 private:
  friend class Cursor;
  struct Reservation {
    Offset end;
    bool done;
  };
  struct Range {
    char* at;
    Offset end;
  };
  Offset appendSmall(const Record& record, size_t bytes);
  Range reserve(size_t bytes, std::span<const uint32_t> unitStarts) REQUIRES(mutex_);
  uint64_t takeTicket(Offset end) REQUIRES(mutex_);  // the range up to there will be published later
  void publish(uint64_t ticket);
  void trim() REQUIRES(mutex_);
  Offset oldestNeeded() REQUIRES(mutex_);
  void appendBlock(Offset start, size_t atLeast) REQUIRES(mutex_);
  void popBlock() REQUIRES(mutex_);
  std::shared_ptr<Block> blockAt(Offset at) REQUIRES(mutex_);
  std::shared_ptr<Block> nextToSpill() REQUIRES(mutex_);
  void spillSome();
  void loseCursorsBelow(Offset at) REQUIRES(mutex_);

  std::atomic<bool> active_{false};
  std::atomic<bool> replicating_{false};
  std::atomic<size_t> backlogSize_{1 << 20};

  // What every append touches, in one cache line: between writers on several cores each further line costs as much as
  // the rest of the append.
  alignas(64) mutable SpinMutex mutex_;
  int selectedDb_ GUARDED_BY(mutex_) = -1;
  std::atomic<Offset> end_;        // reserved up to here
  std::atomic<Offset> published_;  // readable up to here
  Block* tail_ GUARDED_BY(mutex_) = nullptr;  // blocks_.back()
  bool waiting_ GUARDED_BY(mutex_) = false;   // inFlight_ is not empty

  alignas(64) uint8_t reasons_ GUARDED_BY(mutex_) = 0;
  History history_ GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<Block>> blocks_ GUARDED_BY(mutex_);  // never empty
  size_t memory_ GUARDED_BY(mutex_) = 0;                          // of the blocks whose bytes are in memory
  std::vector<std::weak_ptr<Cursor::Place>> cursors_ GUARDED_BY(mutex_);
  Spill* spill_ GUARDED_BY(mutex_) = nullptr;
  SerialExecutor* spillWriter_ GUARDED_BY(mutex_) = nullptr;
  std::function<void(const Error&)> spillFailed_ GUARDED_BY(mutex_);
  bool spilling_ GUARDED_BY(mutex_) = false;
  std::deque<Reservation> inFlight_ GUARDED_BY(mutex_);
  uint64_t firstTicket_ GUARDED_BY(mutex_) = 0;  // of inFlight_.front()

  // Shared by those who pump, as sinks may take their time; exclusive for a change of the list.
  std::shared_mutex sinksMutex_;
  std::vector<std::pair<int, Sink*>> sinks_;
  std::atomic<bool> haveSinks_{false};
  std::atomic<Offset> pumped_{0};
};

}  // namespace vigil::oplog
