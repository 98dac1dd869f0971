#include "replication/replica_link.h"

#include <algorithm>
#include <charconv>

#include "wire/resp_writer.h"

namespace vigil::replication {

namespace {

constexpr MonoUs kSecond = 1'000'000;
constexpr size_t kIdDigits = 40;
constexpr oplog::Offset kLargestOffset = oplog::Offset{1} << 62;  // no history is that long; beyond it sums would overflow

bool isReplicationId(std::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::string_view firstWord(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  size_t end = std::min(text.find(' '), text.size());
  std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace

Effects ReplicaLink::step(MonoUs now, const LinkEvent& event, const Position& at, const LinkOptions& options) {
  using Kind = LinkEvent::Kind;
  now_ = now;
  out_.clear();
  const bool ofConnection = event.kind != Kind::kFollow && event.kind != Kind::kHandOver &&
                            event.kind != Kind::kPromote && event.kind != Kind::kTick;
  if (ofConnection && event.attempt != attempt_) return {};
  switch (event.kind) {
    case Kind::kFollow:
      follow(event);
      break;
    case Kind::kHandOver:
      handOver(event);
      break;
    case Kind::kPromote:
      promote(event, at);
      break;
    case Kind::kConnected:
      if (state_ == State::kConnecting) connected(options);
      break;
    case Kind::kConnectFailed:
      if (state_ == State::kConnecting) {
        warning("Error condition on socket for SYNC: " + event.text);
        retry();
      }
      break;
    case Kind::kLine:
      lastIo_ = now;
      line(event.text, at, options);
      break;
    case Kind::kTransferBegins:
      lastIo_ = now;
      if (state_ == State::kTransfer) transferBegins(event.offset);
      break;
    case Kind::kProgress:
      lastIo_ = now;
      break;
    case Kind::kLoaded:
      if (state_ == State::kTransfer) loaded(event, at, options);
      break;
    case Kind::kLoadFailed:
      if (state_ == State::kTransfer) {
        warning("MASTER <-> REPLICA sync failed, the old data is kept: " + event.text);
        retry();
        // What cannot be loaded will hardly be better soon, and costs the master a snapshot each time: 1, 2, 4 … 32 seconds.
        connectAt_ = std::max(connectAt_, now + (kSecond << std::min(loadFailures_++, 5)));
      }
      break;
    case Kind::kBroken:
      if (state_ > State::kConnect) broken(event.text);
      break;
    case Kind::kRefused:
      if (state_ == State::kOnline) {
        warning(event.text);
        downSince_ = now;
        if (event.malformed || refusedAgain(at)) hasHistory_ = false;
        retry();
        connectAt_ = now + 5 * kSecond;  // it will hardly be better soon
      }
      break;
    case Kind::kTick:
      tick(options);
      break;
  }
  return std::exchange(out_, {});
}

std::string_view ReplicaLink::stateName() const {
  switch (state_) {
    case State::kNone:
      return "none";
    case State::kConnect:
      return "connect";
    case State::kConnecting:
      return "connecting";
    case State::kPing:
    case State::kHandshake:
    case State::kPsync:
      return "handshake";
    case State::kTransfer:
      return "sync";
    case State::kOnline:
      return "connected";
  }
  return "unknown";
}

void ReplicaLink::send(std::initializer_list<std::string_view> command) {
  Effect effect{.kind = Effect::Kind::kSend};
  wire::encodeCommand(command, effect.text);
  out_.push_back(std::move(effect));
}

void ReplicaLink::follow(const LinkEvent& event) {
  const bool wasMaster = state_ == State::kNone;
  if (state_ > State::kConnect) act(Effect::Kind::kDisconnect);
  ++attempt_;  // whatever is still under way of the old connection does not count
  // At start, from the configuration, what the log says is what was recovered, if anything.
  if (wasMaster && !event.text.empty()) {
    notice(
        "Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to "
        "synchronize with the new master with just a partial transfer.");
    hasHistory_ = true;
  }
  master_ = event.master;
  failures_ = 0;
  loadFailures_ = 0;
  refusals_ = 0;
  known_ = false;
  handingOver_ = false;
  downSince_ = hasHistory_ ? now_ : 0;
  state_ = State::kConnect;
  connectAt_ = now_;
  if (wasMaster) act(Effect::Kind::kBecomeReplica);
  if (!event.text.empty()) notice("REPLICAOF " + masterText() + " enabled (user request from '" + event.text + "')");
  if (!event.text.empty()) connect();
}

void ReplicaLink::handOver(const LinkEvent& event) {
  if (state_ != State::kNone) return;
  ++attempt_;
  hasHistory_ = true;  // ours, which the target has followed until now
  master_ = event.master;
  failures_ = 0;
  refusals_ = 0;
  known_ = false;
  downSince_ = now_;
  handingOver_ = true;
  act(Effect::Kind::kBecomeReplica);
  connect();
}

// The target of FAILOVER answered our PSYNC, or refused it.
void ReplicaLink::handOverAnswered(std::string refusal) {
  if (!std::exchange(handingOver_, false)) return;
  out_.push_back({.kind = Effect::Kind::kHandOverAnswered, .text = std::move(refusal)});
}

void ReplicaLink::promote(const LinkEvent& event, const Position& at) {
  if (state_ == State::kNone) return;
  if (state_ > State::kConnect) act(Effect::Kind::kDisconnect);
  ++attempt_;  // whatever is still under way of the old connection does not count
  state_ = State::kNone;
  master_ = {};
  refusals_ = 0;
  handingOver_ = false;
  Effect become{.kind = Effect::Kind::kBecomeMaster};
  become.history = at.history.continuedByUsAs(event.newId, at.end);
  notice("Setting secondary replication ID to " + at.history.id +
         ", valid up to offset: " + std::to_string(at.end + 1) + ". New replication ID is " + event.newId);
  out_.push_back(std::move(become));
  // Replicas of ours must learn the new id; they continue under the second one.
  act(Effect::Kind::kDropReplicas);
  notice("MASTER MODE enabled (" + event.text + ")");
}

void ReplicaLink::connect() {
  state_ = State::kConnecting;
  lastIo_ = now_;
  notice("Connecting to MASTER " + masterText());
  Effect effect{.kind = Effect::Kind::kConnect};
  effect.master = master_;
  effect.id = ++attempt_;
  out_.push_back(std::move(effect));
  notice("MASTER <-> REPLICA sync started");
}

void ReplicaLink::connected(const LinkOptions&) {
  notice("Non blocking connect for SYNC fired the event.");
  lastIo_ = now_;
  state_ = State::kPing;
  send({"PING"});
}

void ReplicaLink::line(const std::string& text, const Position& at, const LinkOptions& options) {
  if (state_ == State::kPing) {
    pingAnswer(text, at, options);
  } else if (state_ == State::kHandshake) {
    handshakeAnswer(text, at);
  } else if (state_ == State::kPsync) {
    psyncAnswer(text, at);
  }
}

void ReplicaLink::pingAnswer(const std::string& text, const Position&, const LinkOptions& options) {
  if (text.empty()) return;
  if (text[0] != '+' && !text.starts_with("-NOAUTH") && !text.starts_with("-NOPERM") &&
      !text.starts_with("-ERR operation not permitted")) {
    warning("Error reply to PING from master: '" + text + "'");
    return retry();
  }
  notice("Master replied to PING, replication can continue...");
  sendHandshake(options);
}

void ReplicaLink::sendHandshake(const LinkOptions& options) {
  state_ = State::kHandshake;
  expected_.clear();
  if (!options.password.empty()) {
    if (options.user.empty()) {
      send({"AUTH", options.password});
    } else {
      send({"AUTH", options.user, options.password});
    }
    expected_.push_back(Answer::kAuth);
  }
  send({"REPLCONF", "listening-port", std::to_string(options.announcePort)});
  expected_.push_back(Answer::kPort);
  if (!options.announceAddress.empty()) {
    send({"REPLCONF", "ip-address", options.announceAddress});
    expected_.push_back(Answer::kAddress);
  }
  send({"REPLCONF", "capa", "eof", "capa", "psync2"});
  expected_.push_back(Answer::kCapabilities);
}

void ReplicaLink::handshakeAnswer(const std::string& text, const Position& at) {
  if (text.empty()) return;
  Answer answer = expected_.front();
  expected_.pop_front();
  if (text[0] == '-') {
    static constexpr std::string_view kOption[] = {"", "listening-port", "ip-address", "capa"};
    if (answer == Answer::kAuth) {
      warning("Unable to AUTH to MASTER: " + text);
      return retry();
    }
    notice("(Non critical) Master does not understand REPLCONF " + std::string(kOption[static_cast<size_t>(answer)]) +
           ": " + text);
  }
  if (expected_.empty()) sendPsync(at);
}

void ReplicaLink::sendPsync(const Position& at) {
  state_ = State::kPsync;
  if (hasHistory_) {
    std::string offset = std::to_string(at.end + 1);
    const std::string& id = at.history.nameToAskBy(at.end);
    notice("Trying a partial resynchronization (request " + id + ":" + offset + ").");
    if (handingOver_) {
      act(Effect::Kind::kHandOverAsked);
      send({"PSYNC", id, offset, "FAILOVER"});
    } else {
      send({"PSYNC", id, offset});
    }
  } else {
    notice("Partial resynchronization not possible (no cached master)");
    send({"PSYNC", "?", "-1"});
  }
}

void ReplicaLink::psyncAnswer(const std::string& text, const Position& at) {
  std::string_view rest = text;
  if (rest.empty()) return;  // keeps the link alive while the master prepares
  std::string_view word = firstWord(rest);
  if (word == "+FULLRESYNC") return fullResync(rest);
  if (word == "+CONTINUE") return continued(rest, at);
  if (word == "-NOMASTERLINK" || word == "-LOADING") {
    notice("Master is currently unable to PSYNC but should be in the future: " + text);
  } else if (word.starts_with('-') && handingOver_) {
    return handOverAnswered(text);
  } else if (word.starts_with('-')) {
    notice("Master does not support PSYNC or is in error state (reply: " + text + ")");
  } else {
    warning("Unexpected reply to PSYNC from master: " + text);
  }
  retry();
}

void ReplicaLink::fullResync(std::string_view rest) {
  std::string_view id = firstWord(rest);
  std::string_view offsetText = firstWord(rest);
  oplog::Offset offset = -1;
  auto parsed = std::from_chars(offsetText.data(), offsetText.data() + offsetText.size(), offset);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == offsetText.data() + offsetText.size();
  if (!isReplicationId(id) || !whole || offset < 0 || offset > kLargestOffset) {
    warning("Master replied with wrong +FULLRESYNC syntax: '" + std::string(id) + " " + std::string(offsetText) + "'");
    return retry();
  }
  handOverAnswered({});
  state_ = State::kTransfer;
  target_ = {oplog::History{.id = std::string(id)}, offset};
  notice("Full resync from master: " + std::string(id) + ":" + std::to_string(offset));
  Effect effect{.kind = Effect::Kind::kReceiveSnapshot};
  effect.history = target_.history;
  effect.offset = offset;
  out_.push_back(std::move(effect));
}

void ReplicaLink::continued(std::string_view rest, const Position& at) {
  std::string_view id = firstWord(rest);
  if (!id.empty() && !isReplicationId(id)) {
    warning("Unexpected reply to PSYNC from master: +CONTINUE " + std::string(id));
    return retry();
  }
  if (!hasHistory_) {
    warning("Unexpected reply to PSYNC from master: +CONTINUE, where nothing was asked for that could go on.");
    return retry();
  }
  handOverAnswered({});
  notice("Successful partial resynchronization with master.");
  if (!id.empty() && id != at.history.id) {
    notice("Master replication ID changed to " + std::string(id));
    Effect effect{.kind = Effect::Kind::kSetHistory};
    effect.history = at.history.continuedAs(std::string(id), at.end);
    out_.push_back(std::move(effect));
    act(Effect::Kind::kDropReplicas);
  }
  notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
  online();
}

void ReplicaLink::transferBegins(oplog::Offset bytes) {
  if (bytes < 0) {
    notice("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to parser");
  } else {
    notice("MASTER <-> REPLICA sync: receiving " + std::to_string(bytes) + " bytes from master to parser");
  }
  notice("MASTER <-> REPLICA sync: Loading DB in memory");
}

// A master that lost its data (restarted without persistence, or with an empty disk) must not take it from us too. It is
// refused where all of this holds: its data became ours before and nobody sent us here since, it goes by a history that
// is not ours, and it offers not one key for the ones that we hold.
void ReplicaLink::loaded(const LinkEvent& event, const Position& at, const LinkOptions& options) {
  const bool ofOurHistory = target_.history.id == at.history.id || at.history.endOf(target_.history.id);
  if (options.refuseEmptyMaster && known_ && !ofOurHistory && event.offeredKeys == 0 && event.heldKeys != 0) {
    return refuseEmpty(event.heldKeys);
  }
  notice("MASTER <-> REPLICA sync: Flushing old data");
  Effect install{.kind = Effect::Kind::kInstall};
  install.history = target_.history;
  install.offset = target_.end;
  out_.push_back(std::move(install));
  act(Effect::Kind::kDropReplicas);
  notice("MASTER <-> REPLICA sync: Finished with success");
  hasHistory_ = true;
  online();
}

void ReplicaLink::refuseEmpty(uint64_t heldKeys) {
  warning("Refusing the full resync from MASTER " + masterText() + ": it offers an empty data set under the replication ID " +
          target_.history.id + ", which this replica has never followed, in place of the " + std::to_string(heldKeys) +
          " keys that it holds. The data is kept and served. If the master is meant to be empty, send 'REPLICAOF " +
          master_.host + " " + std::to_string(master_.port) +
          "' again, or set replica-refuse-empty-master to no; if it lost its data, promote a replica.");
  retry();
  // Asked again after 1, 2, 4 … 32 seconds.
  connectAt_ = now_ + (kSecond << std::min(refusals_, 5));
  ++refusals_;
}

void ReplicaLink::online() {
  state_ = State::kOnline;
  failures_ = 0;
  loadFailures_ = 0;
  refusals_ = 0;
  known_ = true;
  lastIo_ = now_;
  act(Effect::Kind::kStream);
}

// The same place in the stream, for the third time: what the master holds by now may be without what cannot be applied.
bool ReplicaLink::refusedAgain(const Position& at) {
  constexpr int kMost = 3;
  streamRefusals_ = std::exchange(refusedAt_, at.end) == at.end ? streamRefusals_ + 1 : 1;
  if (streamRefusals_ < kMost) return false;
  streamRefusals_ = 0;
  notice("The stream cannot be applied from here on: asking the master for everything anew. The old data is kept until that is complete.");
  return true;
}

void ReplicaLink::broken(const std::string& why) {
  switch (state_) {
    case State::kOnline:
      notice("Connection with master lost.");
      notice("Caching the disconnected master state.");
      downSince_ = now_;
      act(Effect::Kind::kDisconnect);
      notice("Reconnecting to MASTER " + masterText());
      return connect();
    case State::kTransfer:
      warning("I/O error trying to sync with MASTER: " + (why.empty() ? "connection lost" : why));
      break;
    default:
      warning("Error condition on socket for SYNC: " + (why.empty() ? "connection lost" : why));
      break;
  }
  retry();
}

void ReplicaLink::retry() {
  ++attempt_;
  act(Effect::Kind::kDisconnect);
  state_ = State::kConnect;
  // From half a second to three, each time half as long again, spread by up to a quarter.
  MonoUs delay = 500'000;
  for (int i = 0; i < failures_ && delay < 3 * kSecond; ++i) delay += delay / 2;
  delay = std::min(delay, 3 * kSecond);
  dice_ = dice_ * 6364136223846793005u + 1442695040888963407u;
  delay -= static_cast<MonoUs>((dice_ >> 33) % static_cast<uint64_t>(delay / 4));
  ++failures_;
  connectAt_ = now_ + delay;
}

void ReplicaLink::tick(const LinkOptions& options) {
  if (state_ == State::kNone) return;
  if (state_ == State::kConnect) {
    if (now_ >= connectAt_) connect();
    return;
  }
  if (now_ - lastIo_ <= options.timeoutSeconds * kSecond) return;
  if (state_ == State::kOnline) {
    warning("MASTER timeout: no data nor PING received...");
    return broken("timeout");
  }
  warning(state_ == State::kTransfer
              ? "Timeout receiving bulk data from MASTER... If the problem persists try to set the 'repl-timeout' "
                "parameter in redis.conf to a larger value."
              : "Timeout connecting to the MASTER...");
  retry();
}

}  // namespace vigil::replication
