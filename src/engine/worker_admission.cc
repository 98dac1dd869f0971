// What stands between a parsed command and its execution: is it one, may this client run it, may it run now.
#include <algorithm>

#include "base/text.h"
#include "command/command_table.h"
#include "engine/acl/gate.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

// "'a' 'b' " of the arguments, as much of them as Redis shows.
std::string quotedArguments(command::Args args) {
  std::string text;
  for (size_t i = 1; i < args.size() && text.size() < 128; ++i) {
    std::string_view shown = args[i].substr(0, 128 - text.size());
    text += '\'';
    text += shown;
    text += "' ";
  }
  return text;
}

}  // namespace

bool Worker::reject(Session& session, const command::CommandEntry* entry, std::string_view error) {
  if (entry && entry == execEntry_) {
    // EXEC itself was refused: a transaction is over, and the reply says so.
    session.transaction.reset();
    unwatchAll(session);
    if (error.starts_with("ERR ")) error.remove_prefix(4);  // other codes are shown
    session.reply.error("EXECABORT Transaction discarded because of: " + std::string(error));
    return false;
  }
  if (session.transaction) session.transaction->failed = true;
  session.reply.error(error);
  return false;
}

void Worker::refuseShape(Session& session, const command::CommandEntry* entry, command::Args args) {
  const bool known = entry != nullptr && entry->spec->handler != nullptr;
  session.info->lastCommand.store(known ? entry : nullptr, std::memory_order_relaxed);
  if (!entry) {
    if (equalsIgnoreCase(args[0], "post") || equalsIgnoreCase(args[0], "host:")) {
      engine_.logger().warning(
          "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This "
          "is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. "
          "Connection from " +
          session.info->address + " aborted.");
      session.connection->close("POST or Host: command");
      return;
    }
    reject(session, entry,
           "ERR unknown command '" + std::string(args[0].substr(0, 128)) +
               "', with args beginning with: " + quotedArguments(args));
  } else if (!entry->spec->handler && args.size() >= 2) {
    // A container whose subcommand is unknown. It is called as the client called it (rename-command).
    std::string name(args[0]);
    for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    reject(session, entry,
           "ERR unknown subcommand '" + std::string(args[1].substr(0, 128)) + "'. Try " + name + " HELP.");
  } else {
    reject(session, entry, "ERR wrong number of arguments for '" + entry->fullName + "' command");
  }
}

bool Worker::pausedFor(const Session& session, const command::CommandEntry& entry) const {
  Pause::Kind kind = engine_.pause().kind();
  const bool backlog = engine_.state().snapshotBacklog.load(std::memory_order_relaxed) != 0;
  if (backlog && kind == Pause::Kind::kNone) [[unlikely]]
    kind = Pause::Kind::kWrites;
  if (kind == Pause::Kind::kNone) [[likely]]
    return false;
  if (session.fromMaster || session.transaction) {
    // Commands are queued at once; it is their EXEC that waits.
    if (!session.transaction || &entry != execEntry_) return false;
    if (kind == Pause::Kind::kAll) return true;
    return std::any_of(session.transaction->commands.begin(), session.transaction->commands.end(), [](const auto& c) {
      return (c.command->spec->flags & (command::kWrite | command::kMayReplicate)) != 0;
    });
  }
  // What nodes say to each other of slots that move writes nothing by itself; the keys that come behind it wait.
  const bool logs = (entry.spec->flags & command::kWrite) != 0 ||
                    ((entry.spec->flags & command::kMayReplicate) != 0 && !entry.spec->system);
  if ((entry.spec->flags & command::kNoLocks) != 0 && !logs) {
    // CLIENT, INFO, PING and their kind: only a full pause holds back what the data plane would answer, and the
    // handles of whoever ends the pause stay usable.
    return kind == Pause::Kind::kAll && (entry.spec->flags & command::kAdmin) == 0 &&
           (entry.spec->categories & command::kCatConnection) == 0;
  }
  return logs || kind == Pause::Kind::kAll;
}

// Whether the command is to be refused while there is no memory. In a transaction everything that would be queued takes
// memory; its EXEC is refused for what is queued.
bool Worker::needsMemory(const Session& session, const command::CommandEntry& entry, uint64_t flags) const {
  return (flags & command::kDenyOom) != 0 ||
         (session.transaction && &entry != execEntry_ && !entry.runsInsideMulti());
}

bool Worker::permitted(Session& session, const command::CommandEntry& entry, command::Args args) {
  session.info->lastCommand.store(&entry, std::memory_order_relaxed);  // as CLIENT LIST and ACL LOG show it
  const acl::Verdict verdict =
      acl::permits(engine_, session, entry, args,
                   session.transaction ? acl::DenialContext::kMulti : acl::DenialContext::kTopLevel);
  return verdict.denial == acl::Denial::kNone ||
         reject(session, &entry, acl::noPermission(verdict.denial, entry));
}

bool Worker::stillPermitted(Session& session, const command::CommandEntry& entry, command::Args args) {
  if (session.access.freeAt == engine_.acl().generation()) [[likely]]
    return true;
  // One whose user was deleted meanwhile has no rights left; its connection is about to close.
  acl::Verdict verdict{acl::Denial::kCommand};
  if (acl::upToDate(engine_, session)) {
    verdict = acl::permits(engine_, session, entry, args, acl::DenialContext::kMulti);
  }
  if (verdict.denial == acl::Denial::kNone) return true;
  session.reply.error(acl::noLongerPermitted(verdict.denial));
  noteErrors(session.reply, execEntry_, Ending::kExecuted);
  return false;
}

// What a client may not do that is subscribed in RESP2, or that is a MONITOR. After the error.
bool Worker::refusedToListener(Session& session, const command::CommandEntry& entry) {
  constexpr std::string_view kAllowed[] = {"ping",       "subscribe",    "unsubscribe", "psubscribe", "punsubscribe",
                                           "ssubscribe", "sunsubscribe", "quit",        "reset"};
  constexpr uint64_t kKeyspace = command::kWrite | command::kReadonly | command::kMayReplicate;
  if (!subscribedInResp2(session)) {
    const bool monitor = (session.info->flags.load(std::memory_order_relaxed) & kClientMonitor) != 0;
    if (!monitor || (entry.spec->flags & kKeyspace) == 0) return false;
    reject(session, &entry, "ERR Replica can't interact with the keyspace");
    return true;
  }
  if (std::ranges::find(kAllowed, entry.fullName) != std::end(kAllowed)) return false;
  reject(session, &entry,
         "ERR Can't execute '" + entry.fullName +
             "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
  return true;
}

bool Worker::admit(Session& session, const command::CommandEntry& entry, command::Args args, const Prepared& prepared) {
  // Of most clients this is all that ACL costs.
  const bool free = session.access.freeAt == engine_.acl().generation();
  if (!free && !acl::upToDate(engine_, session)) return false;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const uint64_t flags = flagsOf(session, entry);
  NodeState& state = engine_.state();
  std::string_view error;
  const bool outOfMemory = evictor_.relieve() == Evictor::Relief::kNothingLeft;
  const bool write = (flags & command::kWrite) != 0;
  if (!free && (flags & command::kNoAuth) == 0 && acl::mustAuthenticate(engine_, session)) {
    error = "NOAUTH Authentication required.";
  } else if (session.transaction && (flags & command::kNoMulti) != 0) {
    error = "ERR Command not allowed inside a transaction";
  } else if (!free && !permitted(session, entry, args)) {
    return false;
  } else if (engine_.routing() != nullptr && !servesSlot(session, entry, args, &prepared, false)) [[unlikely]] {
    return false;
  } else if (session.listens && refusedToListener(session, entry)) {
    return false;
  } else if (state.loading.load(kRelaxed) && (flags & command::kLoading) == 0) {
    error = "LOADING Redis is loading the dataset in memory";
  } else if (outOfMemory && needsMemory(session, entry, flags)) {
    return reject(session, &entry, "OOM command not allowed when used memory > 'maxmemory'.");
  } else if (state.replica.load(kRelaxed)) {
    if (write && state.replicaReadOnly.load(kRelaxed)) {
      error = "READONLY You can't write against a read only replica.";
    } else if ((flags & command::kStale) == 0 && !state.masterLinkUp.load(kRelaxed) &&
               !state.serveStaleData.load(kRelaxed)) {
      error = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    }
  } else if (write || &entry == pingEntry_) {  // whoever only asks is to hear of the disk as well
    if (state.saveFailed.load(kRelaxed)) {
      error =
          "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands "
          "that may modify the data set are disabled, because this instance is configured to report errors during "
          "writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for "
          "details about the RDB error.";
    } else if (int code = state.aofError.load(kRelaxed); code != 0) {
      return reject(session, &entry, aofErrorText(code));
    } else if (write && state.notEnoughReplicas.load(kRelaxed)) {
      error = "NOREPLICAS Not enough good replicas to write.";
    }
  }
  if (error.empty()) [[likely]]
    return true;
  return reject(session, &entry, error);
}

// EXEC does what was queued: it writes if one of its commands does, and may run on a stale replica or while loading only if
// all of them may. The role may have changed since they were queued.
uint64_t Worker::flagsOf(const Session& session, const command::CommandEntry& entry) const {
  uint64_t flags = entry.spec->flags;
  if (&entry != execEntry_ || !session.transaction) [[likely]]
    return flags;
  constexpr uint64_t kOfAny = command::kWrite | command::kMayReplicate | command::kDenyOom;
  constexpr uint64_t kOfAll = command::kStale | command::kLoading;
  for (const QueuedCommand& queued : session.transaction->commands) {
    const uint64_t theirs = queued.command->spec->flags;
    flags = (flags | (theirs & kOfAny)) & ~(kOfAll & ~theirs);
  }
  return flags;
}

void Worker::queueCommand(Session& session, const command::CommandEntry& entry, command::Args args) {
  QueuedCommand queued;
  queued.command = &entry;
  for (auto arg : args) {
    queued.bytes.append(arg);
    queued.sizes.push_back(static_cast<uint32_t>(arg.size()));
  }
  session.transaction->memory += queued.bytes.capacity() + queued.sizes.capacity() * sizeof(uint32_t) + sizeof queued;
  session.transaction->commands.push_back(std::move(queued));
  session.reply.simple("QUEUED");
}

}  // namespace vigil::engine
