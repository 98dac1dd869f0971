#include "engine/connection_commands.h"

#include "base/text.h"
#include "command/command_table.h"
#include "engine/acl/gate.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/version.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

using command::CommandSpec;
using command::Context;

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Execution& executionOf(Context& ctx) { return static_cast<Execution&>(ctx); }
Engine& engineOf(Context& ctx) { return executionOf(ctx).engine(); }

void ping(Context& ctx) {
  if (ctx.argc() > 2) return ctx.reply().error("ERR wrong number of arguments for 'ping' command");
  if (sessionOf(ctx).listens && subscribedInResp2(sessionOf(ctx))) {
    ctx.reply().array(2);
    ctx.reply().bulk("pong");
    return ctx.reply().bulk(ctx.argc() == 2 ? ctx.arg(1) : "");
  }
  if (ctx.argc() == 2) return ctx.reply().bulk(ctx.arg(1));
  ctx.reply().simple("PONG");
}

void echo(Context& ctx) { ctx.reply().bulk(ctx.arg(1)); }

void select(Context& ctx) {
  auto index = parseInt64(ctx.arg(1));
  if (!index) return ctx.reply().error("ERR value is not an integer or out of range");
  if (engineOf(ctx).keyspace().hasOneDatabaseOfACluster() && *index != 0) {
    return ctx.reply().error("ERR SELECT is not allowed in cluster mode");
  }
  if (*index < 0 || *index >= static_cast<int64_t>(engineOf(ctx).keyspace().databaseCount())) {
    return ctx.reply().error("ERR DB index is out of range");
  }
  ctx.session().db = static_cast<int>(*index);
  ctx.reply().ok();
}

void quit(Context& ctx) {
  ctx.reply().ok();
  sessionOf(ctx).closeAfterReply = true;
}

void setProtocol(Session& session, int protocol) {
  session.protocol = protocol;
  session.reply.setProtocol(protocol);
}

void reset(Context& ctx) {
  Session& session = sessionOf(ctx);
  session.transaction.reset();
  executionOf(ctx).worker().unwatchAll(session);
  stopListening(engineOf(ctx), session);
  if (session.listens) executionOf(ctx).worker().takeInbox();  // what came before comes before the reply
  session.listens = false;
  session.db = 0;
  session.noTouch = false;
  session.asking = session.readsReplica = false;
  session.info->flags.fetch_and(~kClientReadonly, std::memory_order_relaxed);
  session.replyMode = ReplyMode::kOn;
  acl::attachDefault(engineOf(ctx), session);
  session.info->change([](ClientInfo::Names& names) { names.name.clear(); });
  setProtocol(session, 2);
  ctx.reply().simple("RESET");
}

constexpr std::string_view kWrongPass = "WRONGPASS invalid username-password pair or user is disabled.";

void auth(Context& ctx) {
  if (ctx.argc() > 3) return ctx.reply().syntaxError();
  for (size_t i = 1; i < ctx.argc(); ++i) ctx.redact(i);
  if (ctx.argc() == 2 && !engineOf(ctx).acl().defaultHasPassword()) {
    return ctx.reply().error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  }
  bool named = ctx.argc() == 3;
  if (!acl::authenticate(ctx, named ? ctx.arg(1) : "default", ctx.arg(named ? 2 : 1))) return ctx.reply().error(kWrongPass);
  ctx.reply().ok();
}

bool validName(std::string_view name) {
  for (char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

struct HelloOptions {
  bool authenticate = false;
  std::string_view user, password;
  bool setName = false;
  std::string_view name;
};

// False after an error reply.
bool parseHello(Context& ctx, HelloOptions& hello) {
  for (size_t i = 2; i < ctx.argc();) {
    size_t left = ctx.argc() - i - 1;
    if (equalsIgnoreCase(ctx.arg(i), "auth") && left >= 2) {
      hello.authenticate = true;
      ctx.redact(i + 1);
      ctx.redact(i + 2);
      hello.user = ctx.arg(i + 1);
      hello.password = ctx.arg(i + 2);
      i += 3;
    } else if (equalsIgnoreCase(ctx.arg(i), "setname") && left >= 1) {
      hello.setName = true;
      hello.name = ctx.arg(i + 1);
      if (!validName(hello.name)) {
        ctx.reply().error("ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
      }
      i += 2;
    } else {
      ctx.reply().error("ERR Syntax error in HELLO option '" + std::string(ctx.arg(i)) + "'");
      return false;
    }
  }
  return true;
}

void hello(Context& ctx) {
  Session& session = sessionOf(ctx);
  int protocol = session.protocol;
  if (ctx.argc() > 1) {
    auto version = parseInt64(ctx.arg(1));
    if (!version) return ctx.reply().error("ERR Protocol version is not an integer or out of range");
    if (*version < 2 || *version > 3) return ctx.reply().error("NOPROTO unsupported protocol version");
    protocol = static_cast<int>(*version);
  }
  HelloOptions options;
  if (!parseHello(ctx, options)) return;
  if (options.authenticate && !acl::authenticate(ctx, options.user, options.password)) {
    return ctx.reply().error(kWrongPass);
  }
  if (!session.authenticated) {
    return ctx.reply().error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
        "option can be used to authenticate the client and select the RESP protocol version at the same time");
  }
  if (options.setName) session.info->change([&](ClientInfo::Names& names) { names.name = options.name; });
  setProtocol(session, protocol);
  auto& reply = ctx.reply();
  const std::string& mode = engineOf(ctx).process().mode;
  const bool hasRole = mode != "sentinel";
  reply.map(hasRole ? 7 : 6);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(kRedisVersion);
  reply.bulk("proto");
  reply.integer(protocol);
  reply.bulk("id");
  reply.integer(static_cast<int64_t>(session.id));
  reply.bulk("mode");
  reply.bulk(engineOf(ctx).clusterMode() ? "cluster" : mode);
  if (hasRole) {
    reply.bulk("role");
    reply.bulk(engineOf(ctx).state().replica.load(std::memory_order_relaxed) ? "replica" : "master");
  }
  reply.bulk("modules");
  reply.emptyArray();
}

using namespace command;  // the flags of the rows

constexpr std::string_view kPingTips[] = {"request_policy:all_shards", "response_policy:all_succeeded"};
constexpr std::string_view kHelloHistory[] = {
    "6.2.0|`protover` made optional; when called without arguments the command reports the current connection's "
    "context."};
constexpr std::string_view kAuthHistory[] = {"6.0.0|Added ACL style (username and password)."};

constexpr CommandSpec kCommands[] = {
    {.name = "ping",
     .arity = -1,
     .flags = kFast | kNoLocks | kSentinel,
     .categories = kCatFast | kCatConnection,
     .handler = ping,
     .group = "connection",
     .since = "1.0.0",
     .summary = "Returns the server's liveliness response.",
     .complexity = "O(1)",
     .tips = kPingTips,
     .arguments = "[message]"},
    {.name = "echo",
     .arity = 2,
     .flags = kLoading | kStale | kFast | kNoLocks,
     .categories = kCatFast | kCatConnection,
     .handler = echo,
     .group = "connection",
     .since = "1.0.0",
     .summary = "Returns the given string.",
     .complexity = "O(1)",
     .arguments = "message"},
    {.name = "select",
     .arity = 2,
     .flags = kLoading | kStale | kFast | kNoLocks,
     .categories = kCatFast | kCatConnection,
     .handler = select,
     .group = "connection",
     .since = "1.0.0",
     .summary = "Changes the selected database.",
     .complexity = "O(1)",
     .arguments = "index:integer"},
    {.name = "quit",
     .arity = -1,
     .flags = kNoscript | kLoading | kStale | kFast | kNoAuth | kAllowBusy | kNoLocks | kTransactionControl | kSentinel,
     .categories = kCatFast | kCatConnection,
     .handler = quit,
     .group = "connection",
     .since = "1.0.0",
     .summary = "Closes the connection.",
     .complexity = "O(1)",
     .deprecatedSince = "7.2.0",
     .replacedBy = "just closing the connection"},
    {.name = "reset",
     .arity = 1,
     .flags = kNoscript | kLoading | kStale | kFast | kNoAuth | kAllowBusy | kNoLocks | kTransactionControl,
     .categories = kCatFast | kCatConnection,
     .handler = reset,
     .group = "connection",
     .since = "6.2.0",
     .summary = "Resets the connection.",
     .complexity = "O(1)"},
    {.name = "hello",
     .arity = -1,
     .flags = kNoscript | kLoading | kStale | kFast | kNoAuth | kSentinel | kAllowBusy | kNoLocks,
     .categories = kCatFast | kCatConnection,
     .handler = hello,
     .group = "connection",
     .since = "6.0.0",
     .summary = "Handshakes with the Redis server.",
     .complexity = "O(1)",
     .history = kHelloHistory,
     .arguments = "[arguments:<protover:integer [username_password:<username password>=AUTH] [clientname=SETNAME]>]"},
    {.name = "auth",
     .arity = -2,
     .flags = kNoscript | kLoading | kStale | kFast | kNoAuth | kSentinel | kAllowBusy | kNoLocks,
     .categories = kCatFast | kCatConnection,
     .handler = auth,
     .group = "connection",
     .since = "1.0.0",
     .summary = "Authenticates the connection.",
     .complexity = "O(N) where N is the number of passwords defined for the user",
     .history = kAuthHistory,
     .arguments = "[username] password"},
};

}  // namespace

std::span<const CommandSpec> connectionCommands() { return kCommands; }

}  // namespace vigil::engine
