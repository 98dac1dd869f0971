#include "engine/client_commands.h"

#include "base/text.h"
#include "command/args.h"
#include "command/command_table.h"
#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Execution& executionOf(Context& ctx) { return static_cast<Execution&>(ctx); }
Engine& engineOf(Context& ctx) { return executionOf(ctx).engine(); }

void clientId(Context& ctx) { ctx.reply().integer(static_cast<int64_t>(ctx.session().id)); }

// Printable and without spaces, so that CLIENT LIST can be read by machines.
bool isPlainWord(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

void setName(Context& ctx) {
  std::string_view name = ctx.arg(2);
  if (!isPlainWord(name)) {
    return ctx.reply().error("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  sessionOf(ctx).info->change([&](ClientInfo::Names& names) { names.name = name; });
  ctx.reply().ok();
}

void getName(Context& ctx) {
  std::string name = sessionOf(ctx).info->names().name;
  if (name.empty()) return ctx.reply().null();
  ctx.reply().bulk(name);
}

void setInfo(Context& ctx) {
  std::string_view attribute = ctx.arg(2);
  std::string_view value = ctx.arg(3);
  std::string ClientInfo::Names::*member;
  if (equalsIgnoreCase(attribute, "lib-name")) {
    member = &ClientInfo::Names::libraryName;
  } else if (equalsIgnoreCase(attribute, "lib-ver")) {
    member = &ClientInfo::Names::libraryVersion;
  } else {
    return ctx.reply().error("ERR Unrecognized option '" + std::string(attribute) + "'");
  }
  if (!isPlainWord(value)) {
    return ctx.reply().error("ERR " + toLower(attribute) +
                             " cannot contain spaces, newlines or special characters.");
  }
  sessionOf(ctx).info->change([&](ClientInfo::Names& names) { names.*member = value; });
  ctx.reply().ok();
}

// Of the connection that asks, whose numbers are of this moment. None for a session without a socket.
void publishOwn(Context& ctx) {
  if (Connection* connection = sessionOf(ctx).connection) connection->publishInfo();
}

void clientInfo(Context& ctx) {
  publishOwn(ctx);
  ctx.reply().verbatim("txt", describeClient(*sessionOf(ctx).info, executionOf(ctx).worker().loop().now()) + "\n");
}

void clientList(Context& ctx) {
  ArgCursor args(ctx, 2);
  std::optional<ClientType> type;
  std::vector<std::shared_ptr<ClientInfo>> clients;
  if (args.take("type", 1)) {
    std::string_view name = args.next();
    type = parseClientType(name);
    if (!type) return ctx.reply().error("ERR Unknown client type '" + std::string(name) + "'");
    if (!args.finish()) return;
    clients = engineOf(ctx).clients().all();
  } else if (args.take("id", 1)) {
    while (!args.done()) {
      auto id = args.integerOr("ERR Invalid client ID");
      if (!id) return;
      auto client = engineOf(ctx).clients().find(static_cast<uint64_t>(*id));
      if (client) clients.push_back(std::move(client));
    }
  } else {
    if (!args.finish()) return;
    clients = engineOf(ctx).clients().all();
  }
  publishOwn(ctx);
  std::string text;
  for (const auto& client : clients) {
    if (client->killed.load(std::memory_order_relaxed) || (type && typeOf(*client) != *type)) continue;
    text += describeClient(*client, executionOf(ctx).worker().loop().now()) + "\n";
  }
  ctx.reply().verbatim("txt", text);
}

void replyMode(Context& ctx) {
  Session& session = sessionOf(ctx);
  if (equalsIgnoreCase(ctx.arg(2), "on")) {
    session.replyMode = ReplyMode::kOn;
    ctx.reply().ok();
  } else if (equalsIgnoreCase(ctx.arg(2), "off")) {
    session.replyMode = ReplyMode::kOff;
  } else if (equalsIgnoreCase(ctx.arg(2), "skip")) {
    if (session.replyMode != ReplyMode::kOff) session.replyMode = ReplyMode::kSkipNext;
  } else {
    ctx.reply().syntaxError();
  }
}

// ON or OFF; nothing after an error reply.
std::optional<bool> onOrOff(Context& ctx) {
  if (equalsIgnoreCase(ctx.arg(2), "on")) return true;
  if (equalsIgnoreCase(ctx.arg(2), "off")) return false;
  ctx.reply().syntaxError();
  return std::nullopt;
}

void noEvict(Context& ctx) {
  auto on = onOrOff(ctx);
  if (!on) return;
  auto& flags = sessionOf(ctx).info->flags;
  if (*on) {
    flags.fetch_or(kClientNoEvict, std::memory_order_relaxed);
  } else {
    flags.fetch_and(~kClientNoEvict, std::memory_order_relaxed);
  }
  ctx.reply().ok();
}

void noTouch(Context& ctx) {
  auto on = onOrOff(ctx);
  if (!on) return;
  ctx.session().noTouch = *on;
  ctx.reply().ok();
}

constexpr std::string_view kHelp[] = {
    "CACHING (YES|NO)",
    "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
    "GETREDIR",
    "    Return the client ID we are redirecting to when tracking is enabled.",
    "GETNAME",
    "    Return the name of the current connection.",
    "ID",
    "    Return the ID of the current connection.",
    "INFO",
    "    Return information about the current client connection.",
    "KILL <ip:port>",
    "    Kill connection made from <ip:port>.",
    "KILL <option> <value> [<option> <value> [...]]",
    "    Kill connections. Options are:",
    "    * ADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made from the specified address",
    "    * LADDR (<ip:port>|<unixsocket>:0)",
    "      Kill connections made to specified local address",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Kill connections by type.",
    "    * USER <username>",
    "      Kill connections authenticated by <username>.",
    "    * SKIPME (YES|NO)",
    "      Skip killing current connection (default: yes).",
    "    * ID <client-id>",
    "      Kill connections by client id.",
    "    * MAXAGE <maxage>",
    "      Kill connections older than the specified age.",
    "LIST [options ...]",
    "    Return information about client connections. Options:",
    "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "      Return clients of specified type.",
    "    * ID <id> [<id>...]",
    "      Return clients of specified IDs only.",
    "UNPAUSE",
    "    Stop the current client pause, resuming traffic.",
    "PAUSE <timeout> [WRITE|ALL]",
    "    Suspend all, or just write, clients for <timeout> milliseconds.",
    "REPLY (ON|OFF|SKIP)",
    "    Control the replies sent to the current connection.",
    "SETNAME <name>",
    "    Assign the name <name> to the current connection.",
    "SETINFO <option> <value>",
    "    Set client meta attr. Options are:",
    "    * LIB-NAME: the client lib name.",
    "    * LIB-VER: the client lib version.",
    "UNBLOCK <clientid> [TIMEOUT|ERROR]",
    "    Unblock the specified blocked client.",
    "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
    "         [OPTIN] [OPTOUT] [NOLOOP]",
    "    Control server assisted client side caching.",
    "TRACKINGINFO",
    "    Report tracking status for the current connection.",
    "NO-EVICT (ON|OFF)",
    "    Protect current client connection from eviction.",
    "NO-TOUCH (ON|OFF)",
    "    Will not touch LRU/LFU stats when this mode is on.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "CLIENT", kHelp); }

// CLIENT touches no key; PAUSE and UNPAUSE stop all workers for a moment.
constexpr uint64_t kClientFlags = kNoscript | kLoading | kStale | kNoLocks;

constexpr std::string_view kClientSetinfoTips[] = {"request_policy:all_nodes", "response_policy:all_succeeded"};
constexpr std::string_view kClientKillHistory[] = {
    "2.8.12|Added new filter format.",
    "2.8.12|`ID` option.",
    "3.2.0|Added `master` type in for `TYPE` option.",
    "5.0.0|Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
    "6.2.0|`LADDR` option.",
    "7.4.0|`MAXAGE` option."};
constexpr std::string_view kClientListTips[] = {"nondeterministic_output"};
constexpr std::string_view kClientListHistory[] = {
    "2.8.12|Added unique client `id` field.",
    "5.0.0|Added optional `TYPE` filter.",
    "6.0.0|Added `user` field.",
    "6.2.0|Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
    "7.0.0|Added `resp`, `multi-mem`, `rbs` and `rbp` fields.",
    "7.0.3|Added `ssub` field."};
constexpr std::string_view kClientPauseHistory[] = {
    "6.2.0|`CLIENT PAUSE WRITE` mode added along with the `mode` option."};
constexpr CommandSpec kClientSubcommands[] = {
    {.name = "unblock",
     .arity = -3,
     .flags = kAdmin | kClientFlags,
     .categories = kCatConnection,
     .handler = clientUnblock,
     .group = "connection",
     .since = "5.0.0",
     .summary = "Unblock a client blocked in a blocking command from a different connection",
     .complexity = "O(log N) where N is the number of client connections",
     .arguments = "client-id:integer [timeout_error:(TIMEOUT|ERROR)]"},
    {.name = "id",
     .arity = 2,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientId,
     .group = "connection",
     .since = "5.0.0",
     .summary = "Returns the client ID for the current connection",
     .complexity = "O(1)"},
    {.name = "kill",
     .arity = -3,
     .flags = kAdmin | kClientFlags,
     .categories = kCatConnection,
     .handler = clientKill,
     .group = "connection",
     .since = "2.4.0",
     .summary = "Kill the connection of a client",
     .complexity = "O(N) where N is the number of client connections",
     .history = kClientKillHistory,
     .arguments = "filter:('ip:port'!2.8.12|new-format:([client-id:integer=ID@2.8.12]|[normal_master_slave_pubsub:("
                  "NORMAL|MASTER@3.2.0|SLAVE|REPLICA@5.0.0|PUBSUB)=TYPE@2.8.12]|[username=USER]|['ip:port'=ADDR]|"
                  "['ip:port'=LADDR@6.2.0]|['yes/no'=SKIPME]|[maxage:integer=MAXAGE@7.4.0])+)"},
    {.name = "unpause",
     .arity = 2,
     .flags = kAdmin | kClientFlags | kWholeKeyspace,
     .categories = kCatConnection,
     .handler = clientUnpause,
     .group = "connection",
     .since = "6.2.0",
     .summary = "Resume processing of clients that were paused",
     .complexity = "O(N) Where N is the number of paused clients"},
    {.name = "setname",
     .arity = 3,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = setName,
     .group = "connection",
     .since = "2.6.9",
     .summary = "Set the current connection name",
     .complexity = "O(1)",
     .arguments = "connection-name"},
    {.name = "list",
     .arity = -2,
     .flags = kAdmin | kClientFlags,
     .categories = kCatConnection,
     .handler = clientList,
     .group = "connection",
     .since = "2.4.0",
     .summary = "Get the list of client connections",
     .complexity = "O(N) where N is the number of client connections",
     .tips = kClientListTips,
     .history = kClientListHistory,
     .arguments =
         "[normal_master_replica_pubsub:(NORMAL|MASTER|REPLICA|PUBSUB)=TYPE@5.0.0] [id:<client-id:integer+>=ID@6.2.0]"},
    {.name = "tracking",
     .arity = -3,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientTracking,
     .group = "connection",
     .since = "6.0.0",
     .summary = "Enable or disable server assisted client side caching support",
     .complexity = "O(1). Some options may introduce additional complexity.",
     .arguments = "status:(ON|OFF) [client-id:integer=REDIRECT] [prefix=PREFIX++] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]"},
    {.name = "caching",
     .arity = 3,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientCaching,
     .group = "connection",
     .since = "6.0.0",
     .summary = "Instruct the server about tracking or not keys in the next request",
     .complexity = "O(1)",
     .arguments = "mode:(YES|NO)"},
    {.name = "trackinginfo",
     .arity = 2,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientTrackingInfo,
     .group = "connection",
     .since = "6.2.0",
     .summary = "Return information about server assisted client side caching for the current connection",
     .complexity = "O(1)"},
    {.name = "reply",
     .arity = 3,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = replyMode,
     .group = "connection",
     .since = "3.2.0",
     .summary = "Instruct the server whether to reply to commands",
     .complexity = "O(1)",
     .arguments = "on_off_skip:(ON|OFF|SKIP)"},
    {.name = "info",
     .arity = 2,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientInfo,
     .group = "connection",
     .since = "6.2.0",
     .summary = "Returns information about the current client connection.",
     .complexity = "O(1)",
     .tips = kClientListTips},
    {.name = "no-evict",
     .arity = 3,
     .flags = kAdmin | kClientFlags,
     .categories = kCatConnection,
     .handler = noEvict,
     .group = "connection",
     .since = "7.0.0",
     .summary = "Set client eviction mode for the current connection",
     .complexity = "O(1)",
     .arguments = "enabled:(ON|OFF)"},
    {.name = "pause",
     .arity = -3,
     .flags = kAdmin | kClientFlags | kWholeKeyspace,
     .categories = kCatConnection,
     .handler = clientPause,
     .group = "connection",
     .since = "2.9.50",
     .summary = "Stop processing commands from clients for some time",
     .complexity = "O(1)",
     .history = kClientPauseHistory,
     .arguments = "timeout:integer [mode:(WRITE|ALL)@6.2.0]"},
    {.name = "getredir",
     .arity = 2,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = clientGetRedirection,
     .group = "connection",
     .since = "6.0.0",
     .summary = "Get tracking notifications redirection client ID if any",
     .complexity = "O(1)"},
    {.name = "getname",
     .arity = 2,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = getName,
     .group = "connection",
     .since = "2.6.9",
     .summary = "Get the current connection name",
     .complexity = "O(1)"},
    {.name = "setinfo",
     .arity = 4,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = setInfo,
     .group = "connection",
     .since = "7.2.0",
     .summary = "Sets information specific to the client or connection.",
     .complexity = "O(1)",
     .tips = kClientSetinfoTips,
     .arguments = "attr:(libname=LIB-NAME|libver=LIB-VER)"},
    {.name = "no-touch",
     .arity = 3,
     .flags = kClientFlags,
     .categories = kCatConnection,
     .handler = noTouch,
     .group = "connection",
     .since = "7.2.0",
     .summary = "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
     .complexity = "O(1)",
     .arguments = "enabled:(ON|OFF)"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .categories = kCatConnection,
     .handler = help,
     .group = "connection",
     .since = "5.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "client",
     .arity = -2,
     .flags = kSentinel,
     .subcommands = kClientSubcommands,
     .group = "connection",
     .since = "2.4.0",
     .summary = "A container for client connection commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> clientCommands() { return kCommands; }

}  // namespace vigil::engine
