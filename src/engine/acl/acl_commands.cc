#include "engine/acl/acl_commands.h"

#include "base/ports/entropy.h"
#include "base/text.h"
#include "command/args.h"
#include "command/command_docs.h"
#include "command/command_table.h"
#include "engine/acl/acl_file_commands.h"
#include "engine/acl/acl_file.h"
#include "engine/acl/gate.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/session.h"

namespace vigil::engine::acl {

namespace {

using namespace command;  // the flags of the rows

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }
Directory& usersOf(Context& ctx) { return engineOf(ctx).acl(); }

void setUser(Context& ctx) {
  for (size_t i = 2; i < ctx.argc(); ++i) ctx.redact(i);  // nothing of a user is to be seen
  if (!isValidUserName(ctx.arg(2))) return ctx.reply().error("ERR Usernames can't contain spaces or null characters");
  auto changed = usersOf(ctx).set(ctx.arg(2), ctx.args().subspan(3));
  if (!changed) return ctx.reply().error(changed.error());
  ctx.reply().ok();
}

void deleteUsers(Context& ctx) {
  for (size_t i = 2; i < ctx.argc(); ++i) {
    if (ctx.arg(i) == "default") return ctx.reply().error("ERR The 'default' user cannot be removed");
  }
  int64_t removed = 0;
  for (size_t i = 2; i < ctx.argc(); ++i) {
    UserPtr user = usersOf(ctx).remove(ctx.arg(i));
    if (!user) continue;
    ++removed;
    closeSessionsOf(engineOf(ctx), {std::move(user), nullptr}, ctx.session().id);
  }
  ctx.reply().integer(removed);
  if (removed != 0) leaveIfGone(engineOf(ctx), sessionOf(ctx));
}

void replySelector(Reply& reply, const Selector& selector) {
  reply.bulk("commands");
  reply.bulk(selector.describeCommands());
  reply.bulk("keys");
  reply.bulk(selector.describeKeys());
  reply.bulk("channels");
  reply.bulk(selector.describeChannels());
}

void getUser(Context& ctx) {
  const UserPtr user = usersOf(ctx).find(ctx.arg(2));
  Reply& reply = ctx.reply();
  if (!user) return reply.null();
  reply.map(6);
  reply.bulk("flags");
  const auto flags = user->flags();
  reply.set(flags.size());
  for (std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("passwords");
  reply.array(user->passwords.size());
  for (const std::string& password : user->passwords) reply.bulk(password);
  replySelector(reply, user->root());
  reply.bulk("selectors");
  reply.array(user->selectors.size() - 1);
  for (size_t i = 1; i < user->selectors.size(); ++i) {
    reply.map(3);
    replySelector(reply, user->selectors[i]);
  }
}

void list(Context& ctx) {
  const auto users = usersOf(ctx).all();
  ctx.reply().array(users.size());
  for (const UserPtr& user : users) ctx.reply().bulk(userLine(*user));
}

void users(Context& ctx) {
  const auto users = usersOf(ctx).all();
  ctx.reply().array(users.size());
  for (const UserPtr& user : users) ctx.reply().bulk(user->name);
}

void whoAmI(Context& ctx) {
  const auto& user = sessionOf(ctx).access.user;
  if (!user) return ctx.reply().null();
  ctx.reply().bulk(user->name);
}

size_t replyCategory(Reply& reply, const CommandEntry& entry, uint64_t category) {
  size_t count = 0;
  if ((categoriesOf(*entry.spec) & category) != 0) {
    reply.bulk(entry.fullName);
    ++count;
  }
  for (const auto& subcommand : entry.subcommands) count += replyCategory(reply, *subcommand, category);
  return count;
}

void categories(Context& ctx) {
  if (ctx.argc() > 3) return replyWrongSubcommand(ctx, "ACL");
  Reply& reply = ctx.reply();
  if (ctx.argc() == 2) {
    reply.array(categoryNames().size());
    for (const FlagName& category : categoryNames()) reply.bulk(category.name);
    return;
  }
  for (const FlagName& category : categoryNames()) {
    if (!equalsIgnoreCase(category.name, ctx.arg(2))) continue;
    const size_t mark = reply.mark();
    size_t count = 0;
    for (const auto& entry : engineOf(ctx).commands().entries()) {
      count += replyCategory(reply, *entry, category.flag);
    }
    return reply.arrayAt(mark, count);
  }
  reply.error("ERR Unknown category '" + std::string(ctx.arg(2).substr(0, 128)) + "'");
}

void dryRun(Context& ctx) {
  const UserPtr user = usersOf(ctx).find(ctx.arg(2));
  if (!user) return ctx.reply().error("ERR User '" + std::string(ctx.arg(2)) + "' not found");
  const Args call = ctx.args().subspan(3);
  const CommandEntry* entry = engineOf(ctx).commands().find(call[0]);
  if (entry && !entry->subcommands.empty() && call.size() > 1) {
    const CommandEntry* subcommand = entry->subcommand(call[1]);
    if (subcommand || !entry->spec->handler) entry = subcommand;
  }
  if (!entry) return ctx.reply().error("ERR Command '" + std::string(call[0]) + "' not found");
  const auto argc = static_cast<int>(call.size());
  const int arity = entry->spec->arity;
  if ((arity > 0 && argc != arity) || argc < -arity) {
    return ctx.reply().error("ERR wrong number of arguments for '" + entry->fullName + "' command");
  }
  std::vector<KeyPosition> scratch;
  const Verdict verdict = check(*user, *entry, call, scratch);
  if (verdict.denial == Denial::kNone) return ctx.reply().ok();
  if (verdict.denial == Denial::kCommand) {
    return ctx.reply().bulk("This user has no permissions to run the '" + entry->fullName + "' command");
  }
  ctx.reply().bulk("This user has no permissions to access the '" + std::string(call[verdict.argument]) +
                   (verdict.denial == Denial::kKey ? "' key" : "' channel"));
}

void generatePassword(Context& ctx) {
  if (ctx.argc() > 3) return replyWrongSubcommand(ctx, "ACL");
  int64_t bits = 256;
  if (ctx.argc() == 3) {
    auto asked = parseInt64(ctx.arg(2));
    if (!asked) return ctx.reply().notInteger();
    bits = *asked;
    if (bits <= 0 || bits > 4096) {
      return ctx.reply().error(
          "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096");
    }
  }
  ctx.reply().bulk(engineOf(ctx).system().entropy.hex(static_cast<size_t>((bits + 3) / 4)));
}

std::string_view nameOf(DenialReason reason) {
  constexpr std::string_view kNames[] = {"command", "key", "auth", "channel"};
  return kNames[static_cast<size_t>(reason)];
}

std::string_view nameOf(DenialContext context) {
  constexpr std::string_view kNames[] = {"toplevel", "multi", "lua", "module"};
  return kNames[static_cast<size_t>(context)];
}

void replyLogEntry(Reply& reply, const LogEntry& entry, UnixMs now) {
  reply.map(10);
  reply.bulk("count");
  reply.integer(static_cast<int64_t>(entry.count));
  reply.bulk("reason");
  reply.bulk(nameOf(entry.reason));
  reply.bulk("context");
  reply.bulk(nameOf(entry.context));
  reply.bulk("object");
  reply.bulk(entry.object);
  reply.bulk("username");
  reply.bulk(entry.user);
  reply.bulk("age-seconds");
  reply.number(static_cast<double>(now - entry.updated) / 1000);
  reply.bulk("client-info");
  reply.bulk(entry.client);
  reply.bulk("entry-id");
  reply.integer(static_cast<int64_t>(entry.id));
  reply.bulk("timestamp-created");
  reply.integer(entry.created);
  reply.bulk("timestamp-last-updated");
  reply.integer(entry.updated);
}

void log(Context& ctx) {
  if (ctx.argc() > 3) return replyWrongSubcommand(ctx, "ACL");
  AclLog& log = usersOf(ctx).log();
  int64_t count = 10;
  if (ctx.argc() == 3) {
    if (equalsIgnoreCase(ctx.arg(2), "reset")) {
      log.clear();
      return ctx.reply().ok();
    }
    auto asked = parseInt64(ctx.arg(2));
    if (!asked) return ctx.reply().notInteger();
    count = std::max<int64_t>(0, *asked);
  }
  const auto entries = log.newest(static_cast<size_t>(count));
  const UnixMs now = engineOf(ctx).system().clock.wall() / 1000;
  ctx.reply().array(entries.size());
  for (const LogEntry& entry : entries) replyLogEntry(ctx.reply(), entry, now);
}

constexpr std::string_view kHelp[] = {
    "CAT [<category>]",
    "    List all commands that belong to <category>, or all command categories",
    "    when no category is specified.",
    "DELUSER <username> [<username> ...]",
    "    Delete a list of users.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Returns whether the user can execute the given command without executing the command.",
    "GETUSER <username>",
    "    Get the user's details.",
    "GENPASS [<bits>]",
    "    Generate a secure 256-bit user password. The optional `bits` argument can",
    "    be used to specify a different size.",
    "LIST",
    "    Show users details in config file format.",
    "LOAD",
    "    Reload users from the ACL file.",
    "LOG [<count> | RESET]",
    "    Show the ACL log entries.",
    "SAVE",
    "    Save the current config to the ACL file.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Create or modify a user with the specified attributes.",
    "USERS",
    "    List all the registered usernames.",
    "WHOAMI",
    "    Return the current connection username.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "ACL", kHelp); }

constexpr uint64_t kAdminFlags = kAdmin | kNoscript | kLoading | kStale | kSentinel | kNoLocks;
constexpr uint64_t kPlainFlags = kNoscript | kLoading | kStale | kSentinel | kNoLocks;
constexpr std::string_view kGetUserHistory[] = {
    "6.2.0|Added Pub/Sub channel patterns.",
    "7.0.0|Added selectors and changed the format of key and channel patterns from a list to their rule "
    "representation."};
constexpr std::string_view kSetUserHistory[] = {"6.2.0|Added Pub/Sub channel patterns.",
                                                "7.0.0|Added selectors and key based permissions."};
constexpr std::string_view kLogHistory[] = {
    "7.2.0|Added entry ID, timestamp created, and timestamp last updated."};
constexpr CommandSpec kAclSubcommands[] = {
    {.name = "getuser",
     .arity = 3,
     .flags = kAdminFlags,
     .handler = getUser,
     .group = "server",
     .since = "6.0.0",
     .summary = "Get the rules for a specific ACL user",
     .complexity = "O(N). Where N is the number of password, command and pattern rules that the user has.",
     .history = kGetUserHistory,
     .arguments = "username"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kSentinel | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "6.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
    {.name = "genpass",
     .arity = -2,
     .flags = kPlainFlags,
     .handler = generatePassword,
     .group = "server",
     .since = "6.0.0",
     .summary = "Generate a pseudorandom secure password to use for ACL users",
     .complexity = "O(1)",
     .arguments = "[bits:integer]"},
    {.name = "dryrun",
     .arity = -4,
     .flags = kAdminFlags,
     .handler = dryRun,
     .group = "server",
     .since = "7.0.0",
     .summary = "Returns whether the user can execute the given command without executing the command.",
     .complexity = "O(1).",
     .arguments = "username command [arg+]"},
    {.name = "log",
     .arity = -2,
     .flags = kAdminFlags,
     .handler = log,
     .group = "server",
     .since = "6.0.0",
     .summary = "List latest events denied because of ACLs in place",
     .complexity = "O(N) with N being the number of entries shown.",
     .history = kLogHistory,
     .arguments = "[operation:(count:integer|RESET)]"},
    {.name = "setuser",
     .arity = -3,
     .flags = kAdminFlags,
     .handler = setUser,
     .group = "server",
     .since = "6.0.0",
     .summary = "Modify or create the rules for a specific ACL user",
     .complexity = "O(N). Where N is the number of rules provided.",
     .history = kSetUserHistory,
     .arguments = "username [rule+]"},
    {.name = "cat",
     .arity = -2,
     .flags = kPlainFlags,
     .handler = categories,
     .group = "server",
     .since = "6.0.0",
     .summary = "List the ACL categories or the commands inside a category",
     .complexity = "O(1) since the categories and commands are a fixed set.",
     .arguments = "[categoryname]"},
    {.name = "load",
     .arity = 2,
     .flags = kAdminFlags,
     .handler = loadUsers,
     .group = "server",
     .since = "6.0.0",
     .summary = "Reload the ACLs from the configured ACL file",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "save",
     .arity = 2,
     .flags = kAdminFlags,
     .handler = saveUsers,
     .group = "server",
     .since = "6.0.0",
     .summary = "Save the current ACL rules in the configured ACL file",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "users",
     .arity = 2,
     .flags = kAdminFlags,
     .handler = users,
     .group = "server",
     .since = "6.0.0",
     .summary = "List the username of all the configured ACL rules",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "deluser",
     .arity = -3,
     .flags = kAdminFlags,
     .handler = deleteUsers,
     .group = "server",
     .since = "6.0.0",
     .summary = "Remove the specified ACL users and the associated rules",
     .complexity = "O(1) amortized time considering the typical user.",
     .arguments = "username+"},
    {.name = "list",
     .arity = 2,
     .flags = kAdminFlags,
     .handler = list,
     .group = "server",
     .since = "6.0.0",
     .summary = "List the current ACL rules in ACL config file format",
     .complexity = "O(N). Where N is the number of configured users."},
    {.name = "whoami",
     .arity = 2,
     .flags = kPlainFlags,
     .handler = whoAmI,
     .group = "server",
     .since = "6.0.0",
     .summary = "Return the name of the user associated to the current connection",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "acl",
     .arity = -2,
     .flags = kSentinel,
     .subcommands = kAclSubcommands,
     .group = "server",
     .since = "6.0.0",
     .summary = "A container for Access List Control commands ",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> aclCommands() { return kCommands; }

}  // namespace vigil::engine::acl
