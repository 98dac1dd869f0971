#include "engine/server_commands.h"

#include "base/text.h"
#include "command/args.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/info_registry.h"
#include "engine/session.h"
#include "engine/shutdown.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

void info(Context& ctx) {
  std::vector<std::string> wanted(ctx.args().begin() + 1, ctx.args().end());
  ctx.reply().verbatim("txt", engineOf(ctx).info().write(wanted));
}

void time(Context& ctx) {
  const UnixUs now = engineOf(ctx).system().clock.wall();
  ctx.reply().array(2);
  ctx.reply().bulk(now / 1'000'000);
  ctx.reply().bulk(now % 1'000'000);
}

// False after an error reply.
bool parseShutdown(Context& ctx, Shutdown::Request& request, bool& abort) {
  ArgCursor args(ctx, 1);
  while (!args.done()) {
    if (args.take("nosave")) {
      request.noSave = true;
    } else if (args.take("save")) {
      request.save = true;
    } else if (args.take("now")) {
      request.now = true;
    } else if (args.take("force")) {
      request.force = true;
    } else if (args.take("abort")) {
      abort = true;
    } else {
      return args.syntaxError();
    }
  }
  if ((abort && ctx.argc() > 2) || (request.save && request.noSave)) return args.syntaxError();
  return true;
}

constexpr std::string_view kShutdownFailed = "ERR Errors trying to SHUTDOWN. Check logs.";

void shutdown(Context& ctx) {
  Shutdown::Request request;
  bool abort = false;
  if (!parseShutdown(ctx, request, abort)) return;
  Shutdown& stop = engineOf(ctx).shutdown();
  auto later = std::make_shared<DeferredReply>(ctx);
  if (abort) {
    return stop.abort([later](bool aborted) {
      later->answer([aborted](Reply& reply) {
        if (aborted) return reply.ok();
        reply.error("ERR No shutdown in progress.");
      });
    });
  }
  // What is half loaded must not replace what is on the disk.
  if (engineOf(ctx).state().loading.load(std::memory_order_relaxed)) request.noSave = true;
  stop.request(request, [later] { later->answer([](Reply& reply) { reply.error(kShutdownFailed); }); });
}

constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};
constexpr std::string_view kInfoHistory[] = {"7.0.0|Added support for taking multiple section arguments."};
constexpr std::string_view kShutdownHistory[] = {"7.0.0|Added the `NOW`, `FORCE` and `ABORT` modifiers."};
constexpr std::string_view kTimeTips[] = {"nondeterministic_output"};

constexpr CommandSpec kCommands[] = {
    {.name = "info",
     .arity = -1,
     .flags = kLoading | kStale | kNoLocks | kSentinel,
     .categories = kCatDangerous,
     .handler = info,
     .group = "server",
     .since = "1.0.0",
     .summary = "Get information and statistics about the server",
     .complexity = "O(1)",
     .tips = kInfoTips,
     .history = kInfoHistory,
     .arguments = "[section+]"},
    {.name = "shutdown",
     .arity = -1,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoMulti | kAllowBusy | kNoLocks | kSentinel,
     .handler = shutdown,
     .group = "server",
     .since = "1.0.0",
     .summary = "Synchronously save the dataset to disk and then shut down the server",
     .complexity =
         "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
     .history = kShutdownHistory,
     .arguments = "[nosave_save:(NOSAVE|SAVE)] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]"},
    {.name = "time",
     .arity = 1,
     .flags = kLoading | kStale | kFast | kNoLocks,
     .handler = time,
     .group = "server",
     .since = "2.6.0",
     .summary = "Return the current server time",
     .complexity = "O(1)",
     .tips = kTimeTips},
};

}  // namespace

std::span<const CommandSpec> serverCommands() { return kCommands; }

}  // namespace vigil::engine
