#include "engine/client_list.h"

#include "base/text.h"
#include "command/command_table.h"
#include "engine/client_info.h"
#include "engine/connection.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

struct FlagLetter {
  uint32_t flag;
  char letter;
};
constexpr FlagLetter kLetters[] = {
    {kClientMaster, 'M'},    {kClientPubsub, 'P'},    {kClientMulti, 'x'},      {kClientBlocked, 'b'},
    {kClientTracking, 't'},  {kClientBroadcast, 'B'}, {kClientDirtyCas, 'd'},   {kClientCloseAfterReply, 'c'},
    {kClientUnblocked, 'u'}, {kClientCloseAsap, 'A'}, {kClientUnixSocket, 'U'}, {kClientReadonly, 'r'},
    {kClientNoEvict, 'e'},   {kClientNoTouch, 'T'},
};

std::string flagsText(const ClientInfo& client) {
  const uint32_t flags = client.flags.load(kRelaxed);
  std::string text;
  if (flags & kClientReplica) text += (flags & kClientMonitor) != 0 ? 'O' : 'S';
  for (const FlagLetter& known : kLetters) {
    if (known.flag == kClientBroadcast && client.redirectBroken.load(kRelaxed)) text += 'R';
    if (flags & known.flag) text += known.letter;
  }
  return text.empty() ? "N" : text;
}

class Line {
 public:
  Line& add(std::string_view name, std::string_view value) {
    if (!text_.empty()) text_ += ' ';
    text_.append(name).append("=").append(value);
    return *this;
  }
  template <typename Number>
  requires std::is_integral_v<Number> Line& add(std::string_view name, Number value) {
    return add(name, std::to_string(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string addressText(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return endpoint.host + ":0";
  const bool bare = endpoint.host.find(':') == std::string::npos;
  return (bare ? endpoint.host : "[" + endpoint.host + "]") + ":" + std::to_string(endpoint.port);
}

std::optional<ClientType> parseClientType(std::string_view name) {
  if (equalsIgnoreCase(name, "normal")) return ClientType::kNormal;
  if (equalsIgnoreCase(name, "slave") || equalsIgnoreCase(name, "replica")) return ClientType::kReplica;
  if (equalsIgnoreCase(name, "pubsub")) return ClientType::kPubsub;
  if (equalsIgnoreCase(name, "master")) return ClientType::kMaster;
  return std::nullopt;
}

ClientType typeOf(const ClientInfo& client) {
  const uint32_t flags = client.flags.load(kRelaxed);
  if (flags & kClientMaster) return ClientType::kMaster;
  if ((flags & kClientReplica) != 0 && (flags & kClientMonitor) == 0) return ClientType::kReplica;
  return (flags & kClientPubsub) != 0 ? ClientType::kPubsub : ClientType::kNormal;
}

uint64_t memoryOf(const ClientInfo& client) {
  return client.queryBuffer.load(kRelaxed) + client.queryBufferFree.load(kRelaxed) +
         client.outputMemory.load(kRelaxed) + client.queuedMemory.load(kRelaxed) +
         client.subscriptionMemory.load(kRelaxed) + client.pushed.load(kRelaxed) + client.prefixMemory.load(kRelaxed) +
         sizeof(Connection) + sizeof(ClientInfo);
}

std::string describeClient(const ClientInfo& client, MonoUs now) {
  const auto names = client.names();
  const auto* command = client.lastCommand.load(kRelaxed);
  const bool tracking = (client.flags.load(kRelaxed) & kClientTracking) != 0;
  const uint64_t pending = client.outputPending.load(kRelaxed);
  const uint64_t buffer = client.outputMemory.load(kRelaxed);
  // As Redis shows it: what fits its buffer for replies stands there, more in a list of such.
  constexpr uint64_t kReplyBuffer = 16 << 10;
  const bool listed = pending > kReplyBuffer;
  auto secondsSince = [now](MonoUs then) { return std::max<int64_t>(0, now - then) / 1'000'000; };
  Line line;
  line.add("id", client.id)
      .add("addr", client.address)
      .add("laddr", client.localAddress)
      .add("fd", client.descriptor)
      .add("name", names.name)
      .add("age", secondsSince(client.created))
      .add("idle", secondsSince(client.lastInteraction.load(kRelaxed)))
      .add("flags", flagsText(client))
      .add("db", client.db.load(kRelaxed))
      .add("sub", client.subscriptions.load(kRelaxed))
      .add("psub", client.patterns.load(kRelaxed))
      .add("ssub", client.shardSubscriptions.load(kRelaxed))
      .add("multi", client.queued.load(kRelaxed))
      .add("qbuf", client.queryBuffer.load(kRelaxed))
      .add("qbuf-free", client.queryBufferFree.load(kRelaxed))
      .add("argv-mem", 0)  // arguments are views into the query buffer
      .add("multi-mem", client.queuedMemory.load(kRelaxed))
      .add("rbs", listed ? 0 : buffer)
      .add("rbp", listed ? 0 : pending)
      .add("obl", listed ? 0 : pending)
      .add("oll", listed ? (pending + kReplyBuffer - 1) / kReplyBuffer : 0)
      .add("omem", listed ? buffer : 0)
      .add("tot-mem", memoryOf(client))
      .add("events", pending != 0 ? "rw" : "r")
      .add("cmd", command ? std::string_view(command->fullName) : "NULL")
      .add("user", names.user)
      .add("redir", tracking ? static_cast<int64_t>(client.redirect.load(kRelaxed)) : -1)
      .add("resp", client.protocol.load(kRelaxed))
      .add("lib-name", names.libraryName)
      .add("lib-ver", names.libraryVersion);
  return line.take();
}

}  // namespace vigil::engine
