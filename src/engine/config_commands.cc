#include "engine/config_commands.h"

#include <atomic>
#include <memory>

#include "base/config.h"
#include "base/log_line.h"
#include "base/ports/executor.h"
#include "base/ports/files.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/permission.h"

namespace vigil::engine {

std::vector<ConfigRegistry::Pair> ConfigControl::get(std::span<const std::string> patterns) {
  MutexLock guard(mutex_);
  return registry_.get(patterns);
}

Status ConfigControl::set(std::span<const ConfigRegistry::Pair> pairs, const ConfigSetContext& context) {
  MutexLock guard(mutex_);
  return registry_.set(pairs, context);
}

Status ConfigControl::rewrite(FileSystem& files, const std::string& path, bool all) {
  std::string text;
  if (files.exists(path)) {
    auto old = readWholeFile(files, path);
    if (!old) return std::unexpected(old.error());
    text = std::move(*old);
  }
  MutexLock guard(mutex_);
  return replaceFileDurably(files, path, registry_.rewrite(text, all));
}

namespace {

using namespace command;  // the flags of the rows

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

void get(Context& ctx) {
  std::vector<std::string> patterns(ctx.args().begin() + 2, ctx.args().end());
  auto pairs = ctx.owner<ConfigControl>().get(patterns);
  ctx.reply().map(pairs.size());
  for (const auto& [name, value] : pairs) {
    ctx.reply().bulk(name);
    ctx.reply().bulk(value);
  }
}

// Whoever is told OK may rely on it: what was set takes effect on other threads too.
void answerWhenSettled(std::shared_ptr<DeferredReply> later, std::span<const std::function<void(Task)>> settling) {
  auto left = std::make_shared<std::atomic<size_t>>(settling.size());
  for (const auto& settle : settling) {
    settle([later, left] {
      if (left->fetch_sub(1) == 1) later->answer([](Reply& reply) { reply.ok(); });
    });
  }
}

void set(Context& ctx) {
  if (ctx.argc() % 2 != 0) return ctx.reply().syntaxError();
  std::vector<ConfigRegistry::Pair> pairs;
  for (size_t i = 2; i < ctx.argc(); i += 2) {
    if (ctx.owner<ConfigControl>().isSensitive(ctx.arg(i))) ctx.redact(i + 1);
    pairs.emplace_back(ctx.arg(i), ctx.arg(i + 1));
  }
  ConfigSetContext context;
  context.loading = engineOf(ctx).state().loading.load(std::memory_order_relaxed);
  context.mayChangeProtected = permits(engineOf(ctx).options().protectedConfigs.load(), ctx);
  context.logger = &engineOf(ctx).logger();
  std::vector<std::function<void(Task)>> settling;
  context.settling = &settling;
  auto done = ctx.owner<ConfigControl>().set(pairs, context);
  if (!done) return ctx.reply().error(done.error().message);
  if (settling.empty() || !DeferredReply::possible(ctx)) return ctx.reply().ok();
  answerWhenSettled(std::make_shared<DeferredReply>(ctx), settling);
}

void answerRewrite(Reply& reply, Logger& logger, const Status& done) {
  if (!done) {
    logger.warning("CONFIG REWRITE failed: " + done.error().message);
    return reply.error("ERR Rewriting config file: " + done.error().message);
  }
  logger.notice("CONFIG REWRITE executed with success.");
  reply.ok();
}

// The disk may take its time: the worker goes on with others meanwhile.
void rewriteFile(Context& ctx, ConfigControl& control, bool all) {
  Engine& engine = engineOf(ctx);
  if (engine.process().configFile.empty()) {
    return ctx.reply().error("ERR The server is running without a config file");
  }
  if (!DeferredReply::possible(ctx)) {
    return answerRewrite(ctx.reply(), engine.logger(),
                         control.rewrite(engine.system().files, engine.process().configFile, all));
  }
  auto later = std::make_shared<DeferredReply>(ctx);
  engine.system().tasks.submit([&engine, &control, later, all] {
    auto done = control.rewrite(engine.system().files, engine.process().configFile, all);
    later->answer([&engine, done](Reply& reply) { answerRewrite(reply, engine.logger(), done); });
  });
}

void rewrite(Context& ctx) { rewriteFile(ctx, ctx.owner<ConfigControl>(), false); }

void resetStat(Context& ctx) {
  engineOf(ctx).statistics().reset();
  ctx.reply().ok();
}

constexpr std::string_view kHelp[] = {
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "CONFIG", kHelp); }

constexpr std::string_view kConfigGetHistory[] = {
    "7.0.0|Added the ability to pass multiple pattern parameters in one call"};
constexpr std::string_view kConfigSetTips[] = {"request_policy:all_nodes", "response_policy:all_succeeded"};
constexpr std::string_view kConfigSetHistory[] = {"7.0.0|Added the ability to set multiple parameters in one call."};
constexpr CommandSpec kConfigSubcommands[] = {
    {.name = "rewrite",
     .arity = 2,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoLocks,
     .handler = rewrite,
     .group = "server",
     .since = "2.8.0",
     .summary = "Rewrite the configuration file with the in memory configuration",
     .complexity = "O(1)"},
    {.name = "resetstat",
     .arity = 2,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoLocks,
     .handler = resetStat,
     .group = "server",
     .since = "2.0.0",
     .summary = "Reset the stats returned by INFO",
     .complexity = "O(1)"},
    {.name = "get",
     .arity = -3,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoLocks,
     .handler = get,
     .group = "server",
     .since = "2.0.0",
     .summary = "Get the values of configuration parameters",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .history = kConfigGetHistory,
     .arguments = "parameter:<parameter>+"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "server",
     .since = "5.0.0",
     .summary = "Show helpful text about the different subcommands",
     .complexity = "O(1)"},
    {.name = "set",
     .arity = -4,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoLocks,
     .handler = set,
     .group = "server",
     .since = "2.0.0",
     .summary = "Set configuration parameters to the given values",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .tips = kConfigSetTips,
     .history = kConfigSetHistory,
     .arguments = "parameter_value:<parameter value>+"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "config",
     .arity = -2,
     .subcommands = kConfigSubcommands,
     .group = "server",
     .since = "2.0.0",
     .summary = "A container for server configuration commands",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> configCommands() { return kCommands; }

void addDebugConfig(Engine& engine, ConfigControl& control) {
  static constexpr std::string_view kForceHelp[] = {
      "CONFIG-REWRITE-FORCE-ALL",
      "    Like CONFIG REWRITE but writes all configuration options, including",
      "    keywords not listed in original configuration file or default values.",
  };
  engine.debug().add({"CONFIG-REWRITE-FORCE-ALL", 0, 0, kForceHelp,
                      [&control](Context& ctx) { rewriteFile(ctx, control, true); }});
}

}  // namespace vigil::engine
