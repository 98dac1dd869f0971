// SUBSCRIBE, UNSUBSCRIBE and their kin for patterns and shard channels.
#include "command/command_table.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/pubsub_commands.h"
#include "engine/session.h"
#include "engine/subscriptions.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

constexpr auto kRelaxed = std::memory_order_relaxed;

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Execution& executionOf(Context& ctx) { return static_cast<Execution&>(ctx); }

// One of the three kinds of things to subscribe to.
struct Kind {
  std::string_view subscribed;  // what the reply begins with
  std::string_view unsubscribed;
  Subscriptions::Names Subscriptions::*names;
  std::atomic<int> ClientInfo::*counter;
  void (*join)(PubSub&, std::string_view name, const PubSub::Client&);
  void (*leave)(PubSub&, std::string_view name, const ClientInfo&);

  size_t count(const Subscriptions& all) const {
    return names == &Subscriptions::shardChannels ? all.shardChannels.size() : all.count();
  }
};

using Space = PubSub::Space;

constexpr Kind kChannel{
    "subscribe",
    "unsubscribe",
    &Subscriptions::channels,
    &ClientInfo::subscriptions,
    [](PubSub& all, std::string_view name, const PubSub::Client& c) { all.subscribe(Space::kChannels, name, c); },
    [](PubSub& all, std::string_view name, const ClientInfo& c) { all.unsubscribe(Space::kChannels, name, c); }};
constexpr Kind kPattern{
    "psubscribe",
    "punsubscribe",
    &Subscriptions::patterns,
    &ClientInfo::patterns,
    [](PubSub& all, std::string_view name, const PubSub::Client& c) { all.subscribePattern(name, c); },
    [](PubSub& all, std::string_view name, const ClientInfo& c) { all.unsubscribePattern(name, c); }};
constexpr Kind kShardChannel{
    "ssubscribe",
    "sunsubscribe",
    &Subscriptions::shardChannels,
    &ClientInfo::shardSubscriptions,
    [](PubSub& all, std::string_view name, const PubSub::Client& c) { all.subscribe(Space::kShardChannels, name, c); },
    [](PubSub& all, std::string_view name, const ClientInfo& c) { all.unsubscribe(Space::kShardChannels, name, c); }};

// What CLIENT LIST shows, and what decides on what the client may still send.
void publishCounts(Session& session, const Kind& kind) {
  const Subscriptions& all = *session.subscriptions;
  ((*session.info).*kind.counter).store(static_cast<int>((all.*kind.names).size()), kRelaxed);
  session.info->subscriptionMemory.store(all.bytes, kRelaxed);
  if (all.empty()) {
    session.info->flags.fetch_and(~kClientPubsub, kRelaxed);
  } else {
    session.info->flags.fetch_or(kClientPubsub, kRelaxed);
  }
}

// As a push: CLIENT REPLY does not keep it back.
void confirm(Context& ctx, std::string_view what, std::optional<std::string_view> name, size_t count) {
  sessionOf(ctx).replyIsPush = true;
  ctx.reply().push(3);
  ctx.reply().bulk(what);
  if (name) {
    ctx.reply().bulk(*name);
  } else {
    ctx.reply().null();
  }
  ctx.reply().integer(static_cast<int64_t>(count));
}

template <const Kind& kKind>
void subscribe(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (session.connection == nullptr) {
    return ctx.reply().error("ERR " + executionOf(ctx).command().upperName() + " isn't allowed for a DENY BLOCKING client");
  }
  if (!session.subscriptions) session.subscriptions = std::make_unique<Subscriptions>();
  session.listens = true;
  Subscriptions& all = *session.subscriptions;
  for (std::string_view name : ctx.args().subspan(1)) {
    if ((all.*kKind.names).emplace(name).second) {
      all.bytes += Subscriptions::cost(name);
      kKind.join(executionOf(ctx).engine().pubsub(), name, session.info);
    }
    confirm(ctx, kKind.subscribed, name, kKind.count(all));
  }
  publishCounts(session, kKind);
}

void leave(Context& ctx, const Kind& kind, std::string_view name) {
  Session& session = sessionOf(ctx);
  Subscriptions& all = *session.subscriptions;
  Execution& execution = executionOf(ctx);
  auto at = (all.*kind.names).find(name);
  if (at != (all.*kind.names).end()) {
    (all.*kind.names).erase(at);
    all.bytes -= Subscriptions::cost(name);
    kind.leave(execution.engine().pubsub(), name, *session.info);
    // What came before comes before the confirmation; but nothing may come between the replies of a transaction.
    if (!execution.inTransaction()) execution.worker().takeInbox();
  }
  confirm(ctx, kind.unsubscribed, name, kind.count(all));
}

template <const Kind& kKind>
void unsubscribe(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (!session.subscriptions) session.subscriptions = std::make_unique<Subscriptions>();
  const Subscriptions::Names& names = (*session.subscriptions).*kKind.names;
  if (ctx.argc() > 1) {
    for (std::string_view name : ctx.args().subspan(1)) leave(ctx, kKind, name);
  } else if (names.empty()) {
    confirm(ctx, kKind.unsubscribed, std::nullopt, kKind.count(*session.subscriptions));
  } else {
    for (const std::string& name : Subscriptions::Names(names)) leave(ctx, kKind, name);
  }
  if (session.info) publishCounts(session, kKind);
}

void leaveAll(Engine& engine, Session& session, const Kind& kind) {
  auto& names = (*session.subscriptions).*kind.names;
  for (const std::string& name : names) {
    kind.leave(engine.pubsub(), name, *session.info);
    session.subscriptions->bytes -= Subscriptions::cost(name);
  }
  names.clear();
  publishCounts(session, kind);
}

constexpr uint64_t kFlags = kPubsub | kNoscript | kLoading | kStale | kNoLocks;
constexpr KeySpec kShardChannels[] = {{.flags = kKeyNotKey, .last = -1}};

constexpr CommandSpec kCommands[] = {
    {.name = "subscribe",
     .arity = -2,
     .flags = kFlags | kSentinel,
     .handler = subscribe<kChannel>,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Listens for messages published to channels.",
     .complexity = "O(N) where N is the number of channels to subscribe to.",
     .arguments = "channel+"},
    {.name = "unsubscribe",
     .arity = -1,
     .flags = kFlags | kSentinel,
     .handler = unsubscribe<kChannel>,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Stops listening to messages posted to channels.",
     .complexity = "O(N) where N is the number of channels to unsubscribe.",
     .arguments = "[channel+]"},
    {.name = "psubscribe",
     .arity = -2,
     .flags = kFlags | kSentinel,
     .handler = subscribe<kPattern>,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Listens for messages published to channels that match one or more patterns.",
     .complexity = "O(N) where N is the number of patterns to subscribe to.",
     .arguments = "pattern:<pattern:pattern>+"},
    {.name = "punsubscribe",
     .arity = -1,
     .flags = kFlags | kSentinel,
     .handler = unsubscribe<kPattern>,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Stops listening to messages published to channels that match one or more patterns.",
     .complexity = "O(N) where N is the number of patterns to unsubscribe.",
     .arguments = "[pattern:pattern+]"},
    {.name = "ssubscribe",
     .arity = -2,
     .flags = kFlags,
     .keys = kShardChannels,
     .handler = subscribe<kShardChannel>,
     .group = "pubsub",
     .since = "7.0.0",
     .summary = "Listens for messages published to shard channels.",
     .complexity = "O(N) where N is the number of shard channels to subscribe to.",
     .arguments = "shardchannel+"},
    {.name = "sunsubscribe",
     .arity = -1,
     .flags = kFlags,
     .keys = kShardChannels,
     .handler = unsubscribe<kShardChannel>,
     .group = "pubsub",
     .since = "7.0.0",
     .summary = "Stops listening to messages posted to shard channels.",
     .complexity = "O(N) where N is the number of shard channels to unsubscribe.",
     .arguments = "[shardchannel+]"},
};

}  // namespace

bool subscribedInResp2(const Session& session) {
  return session.protocol == 2 && session.subscriptions && !session.subscriptions->empty();
}

std::vector<std::pair<std::string, size_t>> leaveShardChannels(Engine& engine, Session& session,
                                                              const std::function<bool(std::string_view)>& misplaced) {
  std::vector<std::pair<std::string, size_t>> ended;
  if (!session.subscriptions) return ended;
  Subscriptions& all = *session.subscriptions;
  for (auto at = all.shardChannels.begin(); at != all.shardChannels.end();) {
    if (!misplaced(*at)) {
      ++at;
      continue;
    }
    kShardChannel.leave(engine.pubsub(), *at, *session.info);
    all.bytes -= Subscriptions::cost(*at);
    ended.emplace_back(*at, all.shardChannels.size() - 1);
    at = all.shardChannels.erase(at);
  }
  if (!ended.empty()) publishCounts(session, kShardChannel);
  return ended;
}

void stopListening(Engine& engine, Session& session) {
  constexpr uint32_t kMonitor = kClientReplica | kClientMonitor;
  if ((session.info->flags.fetch_and(~kMonitor, kRelaxed) & kClientMonitor) != 0)
    engine.monitors().remove(*session.info);
  stopTracking(engine, session);
  if (!session.subscriptions) return;
  leaveAll(engine, session, kChannel);
  leaveAll(engine, session, kPattern);
  leaveAll(engine, session, kShardChannel);
}

std::span<const CommandSpec> subscriptionCommands() { return kCommands; }

}  // namespace vigil::engine
