#include "replication/effect.h"

namespace vigil::replication {

namespace {

std::string visible(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string historyText(const oplog::History& history) {
  std::string text = history.id.substr(0, 4);
  if (history.previousEnd >= 0) {
    text += " after " + history.previousId.substr(0, 4) + " up to " + std::to_string(history.previousEnd);
  }
  return text;
}

std::string describeOne(const Effect& e) {
  using Kind = Effect::Kind;
  switch (e.kind) {
    case Kind::kLog:
      return std::string("log ") + (e.level == LogLevel::kWarning ? "# " : "* ") + e.text;
    case Kind::kBecomeReplica:
      return "become replica";
    case Kind::kBecomeMaster:
      return "become master of " + historyText(e.history);
    case Kind::kSetHistory:
      return "history " + historyText(e.history);
    case Kind::kInstall:
      return "install " + historyText(e.history) + " at " + std::to_string(e.offset);
    case Kind::kDropReplicas:
      return "drop replicas";
    case Kind::kConnect:
      return "connect " + e.master.host + ":" + std::to_string(e.master.port);
    case Kind::kSend:
      return "send " + visible(e.text);
    case Kind::kDisconnect:
      return "disconnect";
    case Kind::kReceiveSnapshot:
      return "receive snapshot " + historyText(e.history) + " at " + std::to_string(e.offset);
    case Kind::kStream:
      return "stream";
    case Kind::kStartSnapshot: {
      std::string text = std::string("snapshot ") + (e.diskless ? "to sockets" : "to disk") + " for";
      for (uint64_t id : e.ids) text += " " + std::to_string(id);
      return text;
    }
    case Kind::kPutOnline:
      return "online " + std::to_string(e.id);
    case Kind::kDrop:
      return "drop " + std::to_string(e.id);
    case Kind::kPing:
      return "ping";
    case Kind::kDropBacklog:
      return "drop backlog";
    case Kind::kHandOver:
      return "hand over to " + e.master.host + ":" + std::to_string(e.master.port);
    case Kind::kTakeBack:
      return "take back";
    case Kind::kResumeWrites:
      return "resume writes";
    case Kind::kHandOverAsked:
      return "hand-over is asked for";
    case Kind::kHandOverAnswered:
      return "hand-over " + (e.text.empty() ? "accepted" : "refused " + e.text);
  }
  return {};
}

}  // namespace

std::string describe(const Effects& effects) {
  std::string text;
  for (const Effect& effect : effects) text += describeOne(effect) + "\n";
  return text;
}

}  // namespace vigil::replication
