// The engine's state of one client. Lives on one worker and is touched by its thread alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command/output_buffer.h"
#include "command/reply.h"
#include "command/session.h"
#include "engine/acl/session_access.h"
#include "engine/client_info.h"
#include "engine/shard_state.h"
#include "engine/slot_import.h"
#include "engine/subscriptions.h"
#include "engine/tracking_mode.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {

class Connection;
struct BlockedCall;
enum class Unblock : uint8_t;

struct QueuedCommand {
  const command::CommandEntry* command;
  std::string bytes;  // of the arguments
  std::vector<uint32_t> sizes;
};

// MULTI … EXEC: what is queued.
struct Transaction {
  std::vector<QueuedCommand> commands;
  bool failed = false;  // a command could not be queued: EXEC answers EXECABORT
  size_t memory = 0;
};

struct WatchedKey {
  int db;
  std::string key;
  uint64_t hash;
  bool wasExpired;  // at the time of WATCH: its going then is no change
};

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext, kSkipping };

// How to end what a session waits for elsewhere (DeferredReply::waitAsBlocked()).
using EndWait = std::move_only_function<void(Unblock how)>;

struct Session : command::Session {
  Session() : reply(out, 2) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Connection* connection = nullptr;  // nullptr for one without a socket
  std::shared_ptr<ClientInfo> info;

  command::OutputBuffer out;
  command::Reply reply;
  oplog::Offset barrier = 0;  // what is in `out` depends on this offset of the log
  oplog::Offset lastWrite = 0;  // behind this session's last record of the log: WAIT
  std::unique_ptr<Subscriptions> subscriptions;  // present once it has asked for one
  std::unique_ptr<TrackingMode> tracking;        // present while CLIENT TRACKING is on
  oplog::Offset refusedWrite = 0;                // up to there it was told that its writes are not safe
  std::shared_ptr<void> peer;                    // what a driver remembers of this client (REPLCONF)

  bool authenticated = true;
  acl::SessionAccess access;
  bool listens = false;      // others may have something for it: its inbox is looked at around its commands
  bool replyIsPush = false;  // what the command that runs wrote is not for CLIENT REPLY to keep back
  bool closeAfterReply = false;
  ReplyMode replyMode = ReplyMode::kOn;
  bool asking = false;        // cluster mode: ASKING came, for the next command
  bool readsReplica = false;  // cluster mode: READONLY

  std::shared_ptr<SlotImport> import;  // present iff `importing`

  std::unique_ptr<Transaction> transaction;  // inside MULTI
  bool execReady = false;                    // EXEC found everything in order: run what is queued
  std::vector<WatchedKey> watched;
  std::shared_ptr<WatchToken> watchToken;  // present iff watched is not empty
  std::shared_ptr<BlockedCall> blocked;    // present while a command waits for a key
  EndWait endWait;                         // present while one waits for something else, as WAIT does

  // Why no command of this session runs at the moment. Its further input waits.
  enum class Suspended : uint8_t { kNo, kPutBack, kBlocked, kPaused, kWaiting };
  Suspended suspended = Suspended::kNo;
};

}  // namespace vigil::engine
