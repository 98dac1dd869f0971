// CLIENT KILL, PAUSE, UNPAUSE and UNBLOCK.
#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "base/text.h"
#include "command/args.h"
#include "engine/client_commands.h"
#include "engine/client_list.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

using command::Context;

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Execution& executionOf(Context& ctx) { return static_cast<Execution&>(ctx); }
Engine& engineOf(Context& ctx) { return executionOf(ctx).engine(); }

struct KillFilter {
  std::optional<uint64_t> id;
  std::optional<std::string> address, localAddress, user;
  std::optional<ClientType> type;
  std::optional<int64_t> olderThan;  // seconds
  bool skipMe = true;

  bool matches(const ClientInfo& client, MonoUs now) const {
    return (!id || client.id == *id) && (!address || client.address == *address) &&
           (!localAddress || client.localAddress == *localAddress) && (!user || client.names().user == *user) &&
           (!type || typeOf(client) == *type) && (!olderThan || (now - client.created) / 1'000'000 >= *olderThan);
  }
};

// False after an error reply.
bool parseOne(command::ArgCursor& args, std::string_view option, const acl::Directory& users, KillFilter& filter) {
  if (equalsIgnoreCase(option, "id")) {
    auto id = args.integerOr("ERR client-id should be greater than 0", 1);
    if (!id) return false;
    filter.id = static_cast<uint64_t>(*id);
    return true;
  }
  if (equalsIgnoreCase(option, "maxage")) {
    auto age = args.integerOr("ERR maxage is not an integer or out of range");
    if (!age) return false;
    if (*age <= 0) return args.fail("ERR maxage should be greater than 0");
    filter.olderThan = *age;
    return true;
  }
  std::string value(args.next());
  if (equalsIgnoreCase(option, "type")) {
    filter.type = parseClientType(value);
    return filter.type || args.fail("ERR Unknown client type '" + value + "'");
  }
  if (equalsIgnoreCase(option, "addr")) {
    filter.address = value;
  } else if (equalsIgnoreCase(option, "laddr")) {
    filter.localAddress = value;
  } else if (equalsIgnoreCase(option, "user")) {
    if (!users.find(value)) return args.fail("ERR No such user '" + value + "'");
    filter.user = value;
  } else if (equalsIgnoreCase(option, "skipme")) {
    if (!equalsIgnoreCase(value, "yes") && !equalsIgnoreCase(value, "no")) return args.syntaxError();
    filter.skipMe = equalsIgnoreCase(value, "yes");
  } else {
    return args.syntaxError();
  }
  return true;
}

bool parseFilter(Context& ctx, KillFilter& filter) {
  if (ctx.argc() == 3) {
    filter.address = ctx.arg(2);
    filter.skipMe = false;
    return true;
  }
  command::ArgCursor args(ctx, 2);
  while (!args.done()) {
    std::string_view option = args.next();
    if (args.done()) return args.syntaxError();
    if (!parseOne(args, option, engineOf(ctx).acl(), filter)) return false;
  }
  return true;
}

// Runs `closed` once no command of the client can run any more.
void closeOnItsWorker(const std::shared_ptr<ClientInfo>& client, Task closed) {
  client->killed.store(true, std::memory_order_relaxed);  // gone for whoever asks from now on
  if (client->closer) {
    client->closer();
    return closed();
  }
  client->worker->loop().post([client, closed = std::move(closed)]() mutable {
    if (Connection* connection = client->worker->findConnection(client->id)) connection->close("killed");
    closed();
  });
}

void replyKilled(command::Reply& reply, int64_t killed, bool counts) {
  if (counts) {
    reply.integer(killed);
  } else if (killed > 0) {
    reply.ok();
  } else {
    reply.error("ERR No such client");
  }
}

}  // namespace

void clientKill(Context& ctx) {
  KillFilter filter;
  if (!parseFilter(ctx, filter)) return;
  Session& session = sessionOf(ctx);
  const MonoUs now = executionOf(ctx).worker().loop().now();
  std::vector<std::shared_ptr<ClientInfo>> others;
  bool killsItself = false;
  for (const auto& client : engineOf(ctx).clients().all()) {
    const bool self = client->id == session.id;
    if ((self && filter.skipMe) || client->killed.load(std::memory_order_relaxed)) continue;
    if (!filter.matches(*client, now)) continue;
    if (self) {
      killsItself = true;
    } else {
      others.push_back(client);
    }
  }
  const auto killed = static_cast<int64_t>(others.size()) + (killsItself ? 1 : 0);
  const bool counts = ctx.argc() > 3;
  const Worker* here = &executionOf(ctx).worker();
  const bool elsewhere = std::any_of(others.begin(), others.end(), [&](const auto& other) { return other->worker != here; });
  if (!elsewhere || killsItself || !DeferredReply::possible(ctx)) {
    for (const auto& client : others) closeOnItsWorker(client, [] {});
    replyKilled(ctx.reply(), killed, counts);
    if (killsItself) session.closeAfterReply = true;
    return;
  }
  // Whoever reads the reply relies on it that they write no more.
  auto later = std::make_shared<DeferredReply>(ctx);
  auto open = std::make_shared<std::atomic<size_t>>(others.size());
  for (const auto& client : others) {
    closeOnItsWorker(client, [later, open, killed, counts] {
      if (open->fetch_sub(1) != 1) return;
      later->answer([killed, counts](command::Reply& reply) { replyKilled(reply, killed, counts); });
    });
  }
}

// Runs with the world held: no command runs on any worker while the pause begins.
void clientPause(Context& ctx) {
  if (ctx.argc() > 4) return replyWrongSubcommand(ctx, "CLIENT");
  Pause::Kind kind = Pause::Kind::kAll;
  if (ctx.argc() == 4) {
    if (equalsIgnoreCase(ctx.arg(3), "write")) {
      kind = Pause::Kind::kWrites;
    } else if (!equalsIgnoreCase(ctx.arg(3), "all")) {
      return ctx.reply().error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  auto milliseconds = parseInt64(ctx.arg(2));
  if (!milliseconds) return ctx.reply().error("ERR timeout is not an integer or out of range");
  if (*milliseconds < 0) return ctx.reply().error("ERR timeout is negative");
  if (*milliseconds > INT64_MAX - ctx.now()) return ctx.reply().error("ERR timeout is out of range");
  Engine& engine = engineOf(ctx);
  engine.pause().set(Pause::Purpose::kClient, kind, ctx.now() + *milliseconds);
  constexpr int64_t kLongestTimer = INT64_MAX / 2000;
  executionOf(ctx).worker().loop().after(std::min(*milliseconds, kLongestTimer) * 1000 + 1000,
                                         [&engine] { engine.endExpiredPauses(); });
  ctx.reply().ok();
}

// Runs with the world held.
void clientUnpause(Context& ctx) {
  engineOf(ctx).pause().clear(Pause::Purpose::kClient);
  engineOf(ctx).resumePaused();
  ctx.reply().ok();
}

void clientUnblock(Context& ctx) {
  if (ctx.argc() > 4) return replyWrongSubcommand(ctx, "CLIENT");
  auto how = Worker::Unblock::kTimeout;
  if (ctx.argc() == 4) {
    if (equalsIgnoreCase(ctx.arg(3), "error")) {
      how = Worker::Unblock::kError;
    } else if (!equalsIgnoreCase(ctx.arg(3), "timeout")) {
      return ctx.reply().error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
  }
  auto id = parseInt64(ctx.arg(2));
  if (!id) return ctx.reply().notInteger();
  auto client = *id > 0 ? engineOf(ctx).clients().find(static_cast<uint64_t>(*id)) : nullptr;
  if (!client || (client->flags.load(std::memory_order_relaxed) & kClientBlocked) == 0) return ctx.reply().integer(0);
  // Whether it is served first is known on its own worker alone. A transaction cannot wait for that.
  std::shared_ptr<DeferredReply> later;
  if (DeferredReply::possible(ctx)) {
    later = std::make_shared<DeferredReply>(ctx);
  } else {
    ctx.reply().integer(1);
  }
  client->worker->loop().post([client, how, later] {
    Connection* connection = client->worker->findConnection(client->id);
    bool ended = connection && (client->worker->unblock(connection->session(), how) ||
                                client->worker->endWait(connection->session(), how));
    if (ended) connection->publishInfo();
    if (later) later->answer([ended](command::Reply& reply) { reply.integer(ended ? 1 : 0); });
  });
}

}  // namespace vigil::engine
