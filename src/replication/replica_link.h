// A node as replica: the road from "follow that master" to its stream, and back there after every break. Pure.
//
//   none --follow--> connect --(backoff)--> connecting --> ping --> handshake --> psync --+--CONTINUE--> online
//                       ^                                                                 |
//                       |                                                    FULLRESYNC --> transfer --loaded--> online
//                       +------- broken, timed out, refused (from any state) -------------------------------------+
//
// The answers of the handshake (AUTH, REPLCONF …) come in the order in which the requests were sent, all at once.
// While a snapshot is transferred and loaded, the data and the history stay the old ones: they change in one effect
// (kInstall), so a transfer that fails leaves a node that may still continue where it was.
//
// Not thread safe. Units: microseconds of a monotonic clock; offsets as in oplog/log.h.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "replication/effect.h"

namespace vigil::replication {

struct LinkOptions {
  std::string user;      // masteruser
  std::string password;  // masterauth
  std::string announceAddress;
  uint16_t announcePort = 0;
  int64_t timeoutSeconds = 60;    // repl-timeout
  bool refuseEmptyMaster = true;  // replica-refuse-empty-master
};

// Where this node's log stands; read by the core at each step, changed through its effects.
struct Position {
  oplog::History history;
  oplog::Offset end = 0;
};

struct LinkEvent {
  enum class Kind : uint8_t {
    kFollow,          // REPLICAOF: master; `text` says who asked
    kHandOver,        // FAILOVER: this master hands its role to `master`, one of its replicas
    kPromote,         // REPLICAOF NO ONE: `text` says why, for the log; `newId`: for the new history
    kConnected,       // the connection attempt succeeded
    kConnectFailed,   // it did not: text
    kLine,            // a line of the handshake, without its end
    kTransferBegins,  // the snapshot's header came: `offset` bytes, -1: up to a mark
    kProgress,        // bytes of the snapshot came, or of the stream
    kLoaded,          // the snapshot is complete and loaded beside the old data: offeredKeys, heldKeys
    kLoadFailed,      // text
    kBroken,          // the connection ended; text
    kRefused,         // the master's stream cannot be applied here; text
    kTick,
  };
  Kind kind;
  MasterAddress master = {};
  std::string text = {};
  std::string newId = {};
  oplog::Offset offset = 0;
  uint64_t offeredKeys = 0;  // in all databases of the snapshot
  uint64_t heldKeys = 0;     // in all of ours
  uint64_t attempt = 0;  // events of a connection: of which one (Effect::id of its kConnect); others are out of date
  bool malformed = false;  // kRefused: the place in the stream is lost with it, only a full resync helps
};

class ReplicaLink {
 public:
  enum class State : uint8_t { kNone, kConnect, kConnecting, kPing, kHandshake, kPsync, kTransfer, kOnline };

  // `hasHistory`: the log's history and end describe the data (recovered from disk, or replicated before), so that a
  // partial resync may be asked for. `dice`: any number; spreads the reconnections of many replicas.
  ReplicaLink(bool hasHistory, uint64_t dice) : hasHistory_(hasHistory), dice_(dice) {}

  Effects step(MonoUs now, const LinkEvent& event, const Position& at, const LinkOptions& options);

  State state() const { return state_; }
  bool isReplica() const { return state_ != State::kNone; }
  const MasterAddress& master() const { return master_; }
  // As ROLE names it.
  std::string_view stateName() const;
  MonoUs lastIo() const { return lastIo_; }  // when bytes came last from the master
  void heard(MonoUs at) { lastIo_ = at; }    // of the stream, which passes this core by
  MonoUs downSince() const { return downSince_; }  // 0: never up, there is no master's data here yet
  // The master offers nothing in place of our data, and is not believed: see loaded().
  bool refusesEmptyMaster() const { return refusals_ != 0; }
  uint64_t attempt() const { return attempt_; }  // of the connection that counts; grows

 private:
  enum class Answer : uint8_t { kAuth, kPort, kAddress, kCapabilities };

  void follow(const LinkEvent& event);
  void promote(const LinkEvent& event, const Position& at);
  void connect();
  void connected(const LinkOptions& options);
  void line(const std::string& text, const Position& at, const LinkOptions& options);
  void pingAnswer(const std::string& text, const Position& at, const LinkOptions& options);
  void sendHandshake(const LinkOptions& options);
  void handshakeAnswer(const std::string& text, const Position& at);
  void sendPsync(const Position& at);
  void psyncAnswer(const std::string& text, const Position& at);
  void fullResync(std::string_view rest);
  void continued(std::string_view rest, const Position& at);
  void transferBegins(oplog::Offset bytes);
  void loaded(const LinkEvent& event, const Position& at, const LinkOptions& options);
  void refuseEmpty(uint64_t heldKeys);
  void handOver(const LinkEvent& event);
  void handOverAnswered(std::string refusal);
  void tick(const LinkOptions& options);
  void online();
  void retry();
  void broken(const std::string& why);
  bool refusedAgain(const Position& at);

  void log(LogLevel level, std::string text) { out_.push_back(Effect::log(level, std::move(text))); }
  void notice(std::string text) { log(LogLevel::kNotice, std::move(text)); }
  void warning(std::string text) { log(LogLevel::kWarning, std::move(text)); }
  void act(Effect::Kind kind) { out_.push_back({.kind = kind}); }
  void send(std::initializer_list<std::string_view> command);
  std::string masterText() const { return master_.host + ":" + std::to_string(master_.port); }

  State state_ = State::kNone;
  MasterAddress master_;
  bool hasHistory_;
  uint64_t dice_;
  uint64_t attempt_ = 0;
  int failures_ = 0;      // since the link was last online
  int loadFailures_ = 0;  // of these, snapshots that could not be loaded
  oplog::Offset refusedAt_ = -1;  // where the stream could not be applied last, and how often in a row
  int streamRefusals_ = 0;
  bool known_ = false;  // this master's link was online since the last REPLICAOF: its data became ours
  int refusals_ = 0;    // of an empty data set in a row, since the link was last online
  bool handingOver_ = false;  // FAILOVER: until the new master has answered our PSYNC
  MonoUs now_ = 0;
  MonoUs connectAt_ = 0;  // kConnect: not before
  MonoUs lastIo_ = 0;
  MonoUs downSince_ = 0;
  std::deque<Answer> expected_;  // kHandshake
  Position target_;              // kTransfer
  Effects out_;                  // of this step
};

}  // namespace vigil::replication
