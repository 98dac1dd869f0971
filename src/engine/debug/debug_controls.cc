// DEBUG SLEEP, LOG, SET-ACTIVE-EXPIRE, PAUSE-CRON, SET-SKIP-CHECKSUM-VALIDATION, SET-DISABLE-DENY-SCRIPTS, REPLICATE, REPLYBUFFER,
// QUICKLIST-PACKED-THRESHOLD, SEGFAULT, PANIC.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "engine/debug/debug_commands.h"
#include "engine/debug/debug_registry.h"
#include "engine/engine.h"
#include "engine/execution.h"

namespace vigil::engine {

namespace {

using command::Context;

Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

// As Redis reads <0|1>: what is no number is 0.
bool flag(Context& ctx, size_t argument) { return std::atoi(std::string(ctx.arg(argument)).c_str()) != 0; }

// With the world held, so that no worker answers meanwhile.
void sleep(Context& ctx) {
  const double seconds = std::strtod(std::string(ctx.arg(2)).c_str(), nullptr);
  if (std::isfinite(seconds) && seconds > 0) {
    constexpr double kLongest = 1e9;
    engineOf(ctx).process().sleep(static_cast<int64_t>(std::min(seconds, kLongest) * 1e6));
  }
  ctx.reply().ok();
}

void log(Context& ctx) {
  engineOf(ctx).logger().warning("DEBUG LOG: " + std::string(ctx.arg(2)));
  ctx.reply().ok();
}

void setActiveExpire(Context& ctx) {
  engineOf(ctx).options().activeExpire.store(flag(ctx, 2));
  ctx.reply().ok();
}

void pauseCron(Context& ctx) {
  engineOf(ctx).options().cronPaused.store(flag(ctx, 2));
  ctx.reply().ok();
}

void skipChecksums(Context& ctx) {
  engineOf(ctx).options().dumps.verifyChecksum.store(!flag(ctx, 2));
  ctx.reply().ok();
}

// To the log, which replicas and the AOF share: other than in Redis the AOF gets it too.
void replicate(Context& ctx) {
  ctx.propagate(ctx.args().subspan(2));
  ctx.reply().ok();
}

// Redis's lists give an element of that size a node of its own. Here every element that no chunk has room for gets a chunk
// of its own, whatever its size: there is nothing to be set.
void packedThreshold(Context& ctx) {
  constexpr uint64_t kMost = (uint64_t{4} << 30) - (uint64_t{1} << 20);
  const auto size = parseMemorySize(ctx.arg(2));
  if (!size || *size > kMost) {
    return ctx.reply().error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  ctx.reply().ok();
}

// Allows scripts what is denied to them. There are no scripts yet, so there is nothing that it could change.
void disableDenyScripts(Context& ctx) { ctx.reply().ok(); }

void segfault(Context& ctx) { engineOf(ctx).process().fault(); }

void panic(Context& ctx) {
  Engine& engine = engineOf(ctx);
  engine.logger().warning("------------------------------------------------");
  engine.logger().warning("!!! Software Failure. Press left mouse button to continue");
  engine.logger().warning("Guru Meditation: called by DEBUG PANIC");
  engine.logger().warning("------------------------------------------------");
  engine.process().abort();
}

void replyBuffer(Context& ctx) {
  OutputTrimming& trimming = engineOf(ctx).options().outputTrimming;
  if (equalsIgnoreCase(ctx.arg(2), "resizing")) {
    trimming.on.store(flag(ctx, 3));
  } else if (!equalsIgnoreCase(ctx.arg(2), "peak-reset-time")) {
    return ctx.reply().syntaxError();
  } else if (equalsIgnoreCase(ctx.arg(3), "never")) {
    trimming.peakResetMs.store(-1);
  } else if (equalsIgnoreCase(ctx.arg(3), "reset")) {
    trimming.peakResetMs.store(OutputTrimming::kPeakResetMs);
  } else if (auto milliseconds = parseInt64(ctx.arg(3)); milliseconds && *milliseconds >= 0 && *milliseconds < INT64_MAX / 1000) {
    trimming.peakResetMs.store(*milliseconds);
  } else {
    return ctx.reply().notInteger();
  }
  ctx.reply().ok();
}

constexpr std::string_view kSleepHelp[] = {
    "SLEEP <seconds>",
    "    Stop the server for <seconds>. Decimals allowed.",
};
constexpr std::string_view kLogHelp[] = {
    "LOG <message>",
    "    Write <message> to the server log.",
};
constexpr std::string_view kExpireHelp[] = {
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Setting it to 0 disables expiring keys in background when they are not",
    "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
    "    default.",
};
constexpr std::string_view kCronHelp[] = {
    "PAUSE-CRON <0|1>",
    "    Stop periodic cron job processing.",
};
constexpr std::string_view kChecksumHelp[] = {
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    Enables or disables checksum checks for RDB files and RESTORE's payload.",
};
constexpr std::string_view kReplicateHelp[] = {
    "REPLICATE <word> [<word> ...]",
    "    Replicates the provided command to replicas, allowing data divergence.",
    "    It goes through the one command log, so that the AOF holds it too.",
};
constexpr std::string_view kReplyBufferHelp[] = {
    "REPLYBUFFER PEAK-RESET-TIME <NEVER||RESET|time>",
    "    Sets the time (in milliseconds) to wait between client reply buffer peak resets.",
    "    In case NEVER is provided the last observed peak will never be reset",
    "    In case RESET is provided the peak reset time will be restored to the default value",
    "REPLYBUFFER RESIZING <0|1>",
    "    Enable or disable the reply buffer resize cron job",
};
constexpr std::string_view kPackedHelp[] = {
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    For Redis's own tests: the size is checked and changes nothing, since lists give",
    "    every element that no node has room for a node of its own.",
};
constexpr std::string_view kDenyScriptsHelp[] = {
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Allows scripts what is denied to them. Without effect as long as there are no",
    "    scripts.",
};
constexpr std::string_view kSegfaultHelp[] = {
    "SEGFAULT",
    "    Crash the server with sigsegv.",
};
constexpr std::string_view kPanicHelp[] = {
    "PANIC",
    "    Crash the server simulating a panic.",
};

}  // namespace

void addDebugControls(DebugRegistry& registry) {
  registry.add({"SLEEP", 1, 1, kSleepHelp, sleep});
  registry.add({"LOG", 1, 1, kLogHelp, log});
  registry.add({"SET-ACTIVE-EXPIRE", 1, 1, kExpireHelp, setActiveExpire});
  registry.add({"PAUSE-CRON", 1, 1, kCronHelp, pauseCron});
  registry.add({"SET-SKIP-CHECKSUM-VALIDATION", 1, 1, kChecksumHelp, skipChecksums});
  registry.add({"SET-DISABLE-DENY-SCRIPTS", 1, 1, kDenyScriptsHelp, disableDenyScripts});
  registry.add({"REPLICATE", 1, SIZE_MAX, kReplicateHelp, replicate});
  registry.add({"REPLYBUFFER", 2, 2, kReplyBufferHelp, replyBuffer});
  registry.add({"QUICKLIST-PACKED-THRESHOLD", 1, 1, kPackedHelp, packedThreshold});
  registry.add({"SEGFAULT", 0, 0, kSegfaultHelp, segfault});
  registry.add({"PANIC", 0, 0, kPanicHelp, panic});
}

}  // namespace vigil::engine
