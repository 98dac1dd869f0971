// Applies the stream of our master: reads it on one worker, runs its commands in batches with the world held, and
// appends the very same bytes to our log, so that offsets are the master's and our own replicas get it verbatim.
//
//   socket -> input -> (world held) whole units: run each, append their bytes -> REPLCONF ACK every second
//
// A unit is one command or a whole MULTI … EXEC; readers, snapshots and our replicas see whole batches only. Within a batch,
// commands on one key each run on all workers (engine::TrustedBatch); what concerns several waits for them. It stops
// for good when the link's attempt is no longer the live one, which changes with the world held.
//
// Lives on its worker's thread; start() and stop() may be called from any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ports/stream.h"
#include "engine/session.h"
#include "engine/trusted_batch.h"
#include "engine/worker.h"
#include "wire/resp_parser.h"

namespace vigil::drivers {

class MasterStream final : public StreamHandler, public std::enable_shared_from_this<MasterStream> {
 public:
  // Why it ended: the connection; what cannot be applied here; what is no protocol, so that the place in it is lost.
  enum class Ending : uint8_t { kBroken, kRefused, kMalformed };
  // What the stream tells the replica's side. Called on the worker.
  struct Owner {
    virtual ~Owner() = default;
    virtual bool isLive(uint64_t attempt) const = 0;  // any thread; changes with the world held
    virtual oplog::Offset durable() const = 0;  // any thread: up to where our AOF is on the disk, -1: there is none
    // What happens when a command of the master fails here, for which its data must differ from ours. Any thread.
    virtual bool endsOnPropagationError() const = 0;
    virtual void streamEnded(uint64_t attempt, Ending ending, std::string why) = 0;
  };

  // `input`: what was read of the stream already. `db`: what the stream has selected.
  MasterStream(Owner& owner, engine::Worker& worker, uint64_t attempt, std::unique_ptr<Stream> stream,
               std::string input, int db);

  void start();
  void stop();
  MonoUs lastIo() const { return lastIo_.load(std::memory_order_relaxed); }
  // Of the stream, also what is not applied yet.
  oplog::Offset received() const { return received_.load(std::memory_order_relaxed); }

  void onReadable() override;
  void onWritable() override {}

 private:
  void schedule();
  void applyBatch();
  // Whole units from `from` on; runs them and returns where they end.
  size_t applyUnits(std::vector<uint32_t>& unitStarts);
  bool applyUnit(size_t begin, size_t& end);
  bool headIsWhole();
  bool scanToExec(size_t& at);
  void applySecondFirst();
  bool parseAt(size_t at);
  const command::CommandEntry* find(command::Args args);
  bool check(const command::CommandEntry* entry, command::Args args);  // false: refused
  void run(const command::CommandEntry* entry, command::Args args);
  void runAlone(const command::CommandEntry* entry, command::Args args);
  void failed(const command::CommandEntry& entry, const std::string& error) const;
  bool refuse(std::string why);
  void ackLater();
  void sendAck();
  void end(Ending ending, std::string why);
  void list();  // for CLIENT LIST and CLIENT KILL

  Owner& owner_;
  engine::Worker& worker_;
  const uint64_t attempt_;
  std::unique_ptr<Stream> stream_;
  engine::Session session_;
  wire::RequestParser parser_;
  wire::ParsedCommand command_;
  std::shared_ptr<engine::TrustedBatch> batch_;
  std::string lastName_;  // the command last found is likely the next one
  const command::CommandEntry* lastEntry_ = nullptr;
  std::string input_;
  std::string refused_;
  bool malformed_ = false;  // that is why it is refused
  bool scheduled_ = false;
  // The unit at the input's head: it was not whole when all before it was applied; it is a transaction, of which the bytes
  // before scanned_ have been looked at.
  bool partial_ = false;
  bool scannedTransaction_ = false;
  size_t scanned_ = 0;
  bool ended_ = false;
  bool applied_ = false;  // a unit, since the stream began; for a planted bug
  bool ackAsked_ = false;
  TimerId ackTimer_ = 0;
  std::atomic<MonoUs> lastIo_{0};
  std::atomic<oplog::Offset> received_{0};
};

}  // namespace vigil::drivers
