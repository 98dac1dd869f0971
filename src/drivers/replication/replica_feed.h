// One replica's connection as its master sees it: everything that goes to the replica, in order, and its REPLCONFs.
//
//   waiting (line ends keep it alive) -> bulk (a snapshot) -> holding (until its first ACK) -> streaming (the log)
//                \________________________ a partial resync _______________________________/
//
// Streaming is pushed by whichever worker has new bytes, right before the replies that depend on them leave; what the
// socket does not take stays in the log, for as long as the log keeps it, and comes from its spill where it is on disk.
// The bulk goes out on an executor; what the socket does not take goes to a scratch file beyond a small bound, so that
// a slow replica costs disk, not memory, and holds up nobody.
//
// Thread safe where a member says so; the rest belongs to the control thread. Its lock is a leaf, apart from the log's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/config_specials.h"
#include "base/mutex.h"
#include "base/ports/clock.h"
#include "base/ports/executor.h"
#include "base/ports/files.h"
#include "base/ports/stream.h"
#include "oplog/log.h"
#include "oplog/spill.h"
#include "wire/resp_parser.h"

namespace vigil::engine {
struct ClientInfo;
}

namespace vigil::drivers {

class ReplicaFeed final : public oplog::Sink, public StreamHandler, public std::enable_shared_from_this<ReplicaFeed> {
 public:
  using Offset = oplog::Offset;
  // Called on the control thread.
  struct Owner {
    virtual ~Owner() = default;
    virtual void onAck(uint64_t id, Offset offset, Offset durable) = 0;  // durable: on its disk, -1: it does not say
    virtual void onBulkSent(uint64_t id) = 0;
    virtual void onGone(uint64_t id, const std::string& why) = 0;  // why: for the log, if it is not the link's end
    virtual Offset feedLimit() const = 0;  // any thread: how far replicas may be sent the log
  };
  struct Place {
    EventLoop& control;
    SerialExecutor& executor;
    oplog::Log& log;
    FileSystem& files;
    std::string scratch;  // prefix of scratch files' names
    std::atomic<int64_t>& sent;  // counts the bytes
    const Clock& clock;
  };

  ReplicaFeed(Owner& owner, const Place& place, uint64_t id, std::unique_ptr<Stream> stream, std::string head);
  ~ReplicaFeed() override;

  uint64_t id() const { return id_; }
  // The ACL user as whom the replica asked for the stream. The control thread's.
  void setUser(uint64_t user) { user_ = user; }
  uint64_t user() const { return user_; }
  // What CLIENT LIST shows of it. Set before it is attached.
  void setClient(std::shared_ptr<engine::ClientInfo> client) { client_ = std::move(client); }
  const std::shared_ptr<engine::ClientInfo>& client() const { return client_; }
  void attach();
  void close();      // nothing is sent or heard any more
  void silence();    // any thread: nothing is sent any more
  void keepAlive();  // a line end, while waiting

  // Any thread. The place in the log from which streaming will go on; the reply to PSYNC in front of it.
  void setCursor(oplog::Cursor cursor, std::string reply);
  void stream();  // any thread: from now on the log is pushed
  void pump() override;
  bool alive();       // any thread
  MonoUs blockedSince();  // any thread: for how long its socket has taken nothing of what there is; 0: it takes all
  Offset position();  // any thread: up to where the replica was sent the log
  // client-output-buffer-limit: whether the memory that is held for this replica alone is too much; the backlog is held
  // anyhow, and what it needs from disk costs none. Asked now and then.
  bool overLimit(const OutputBufferLimit& limit, MonoUs now);
  // Any thread: what it has not read yet is in neither memory nor on disk; its socket need not take anything to see it.
  bool lost();

  // --- The bulk; on the executor ---
  void bulk(std::string_view bytes);
  void bulkFrom(std::shared_ptr<File> file, uint64_t size);  // a whole file
  void bulkEnd();

  void onReadable() override;
  void onWritable() override;

 private:
  enum class Mode : uint8_t { kWaiting, kBulk, kStreaming };

  void pumpLocked() REQUIRES(mutex_);
  bool writeHead() REQUIRES(mutex_);
  void wait() REQUIRES(mutex_);
  void fail(std::string why = {}) REQUIRES(mutex_);
  void readDisk(Offset at);
  void pumpBulk();
  bool refillBulk();
  bool handle(const wire::ParsedCommand& command);

  Owner& owner_;
  const Place place_;
  const uint64_t id_;
  uint64_t user_ = 0;
  std::shared_ptr<engine::ClientInfo> client_;
  wire::RequestParser parser_;
  wire::ParsedCommand command_;
  std::string input_;

  MonoUs softSince_ = 0;

  Mutex mutex_;
  std::unique_ptr<Stream> stream_ GUARDED_BY(mutex_);
  bool attached_ GUARDED_BY(mutex_) = false;
  Mode mode_ GUARDED_BY(mutex_) = Mode::kWaiting;
  std::string head_ GUARDED_BY(mutex_);  // to be sent before anything else
  size_t headSent_ GUARDED_BY(mutex_) = 0;
  oplog::Cursor cursor_ GUARDED_BY(mutex_);
  bool blocked_ GUARDED_BY(mutex_) = false;  // the socket takes no more; the control thread hears when it does
  MonoUs blockedSince_ GUARDED_BY(mutex_) = 0;
  bool reading_ GUARDED_BY(mutex_) = false;  // from disk, on the executor
  bool broken_ GUARDED_BY(mutex_) = false;

  // The executor's.
  std::unique_ptr<oplog::Spill> spill_;
  Offset spilledTo_ = 0;
  Offset spillRead_ = 0;
  std::shared_ptr<File> file_;
  uint64_t fileSize_ = 0;
  uint64_t fileRead_ = 0;
  bool bulkEnded_ = false;
  bool bulkTold_ = false;
};

}  // namespace vigil::drivers
