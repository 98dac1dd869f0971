// SENTINEL's subcommands that change something.
#include "base/text.h"
#include "command/args.h"
#include "drivers/sentinel/sentinel_driver.h"
#include "drivers/sentinel/sentinel_subcommands.h"
#include "sentinel/administration.h"

namespace vigil::drivers {

using command::Context;
using sentinel::MonitoredMaster;
using sentinel::Step;

namespace {

constexpr std::string_view kNotSaved = "ERR Failed to save config file. Check server logs.";

void answerSaved(command::Reply& reply, bool kept) {
  if (!kept) return reply.error(kNotSaved);
  reply.ok();
}

// Carries out a change that may be refused with an error's text; answers.
template <typename Change>
void change(Context& ctx, Change act) {
  std::string refusal;
  driverOf(ctx).perform([&](Step& step) { refusal = act(step); });
  if (!refusal.empty()) return ctx.reply().error(refusal);
  driverOf(ctx).answerWhenKept(ctx, answerSaved);
}

std::vector<std::string> wordsFrom(Context& ctx, size_t first) {
  return {ctx.args().begin() + static_cast<std::ptrdiff_t>(first), ctx.args().end()};
}

}  // namespace

void monitor(Context& ctx) {
  const auto quorum = parseInt64(ctx.arg(5));
  const auto port = parseInt64(ctx.arg(4));
  if (!quorum) return ctx.reply().error("ERR Invalid quorum");
  if (!port) return ctx.reply().error("ERR Invalid port");
  change(ctx, [&](Step& step) {
    return sentinel::monitorMaster(step, std::string(ctx.arg(2)), std::string(ctx.arg(3)), *port, *quorum);
  });
}

void remove(Context& ctx) {
  MonitoredMaster* master = masterOf(ctx);
  if (master == nullptr) return;
  change(ctx, [&](Step& step) {
    sentinel::removeMaster(step, *master);
    return std::string();
  });
}

void reset(Context& ctx) {
  size_t count = 0;
  driverOf(ctx).perform([&](Step& step) { count = sentinel::resetMasters(step, ctx.arg(2)); });
  driverOf(ctx).answerWhenKept(ctx,
                               [count](command::Reply& reply, bool) { reply.integer(static_cast<int64_t>(count)); });
}

void set(Context& ctx) {
  for (size_t i = 3; i + 1 < ctx.argc(); i += 2) {
    if (equalsIgnoreCase(ctx.arg(i), "auth-pass")) ctx.redact(i + 1);
  }
  MonitoredMaster* master = masterOf(ctx);
  if (master == nullptr) return;
  const std::vector<std::string> words = wordsFrom(ctx, 3);
  change(ctx, [&](Step& step) { return sentinel::setOptions(step, *master, words, driverOf(ctx).isExecutable()); });
}

void failover(Context& ctx) {
  const bool coordinated = ctx.argc() == 4 && equalsIgnoreCase(ctx.arg(3), "coordinated");
  if (ctx.argc() > 3 && !coordinated) return ctx.reply().syntaxError();
  MonitoredMaster* master = masterOf(ctx);
  if (master == nullptr) return;
  change(ctx, [&](Step& step) { return sentinel::failOver(step, *master, coordinated); });
}

void flushConfig(Context& ctx) {
  driverOf(ctx).saveAnew();
  driverOf(ctx).answerWhenKept(ctx, answerSaved);
}

namespace {

using Pair = std::pair<std::string_view, std::string>;

std::vector<Pair> globalOptions(const sentinel::GlobalSettings& settings) {
  auto yesNo = [](bool value) { return std::string(value ? "yes" : "no"); };
  return {{"resolve-hostnames", yesNo(settings.resolveHostnames)},
          {"announce-hostnames", yesNo(settings.announceHostnames)},
          {"announce-ip", settings.announceHost},
          {"announce-port", std::to_string(settings.announcePort)},
          {"sentinel-user", settings.user},
          {"sentinel-pass", settings.password}};
}

void replyConfig(Context& ctx, std::string_view pattern) {
  auto& reply = ctx.reply();
  const size_t mark = reply.mark();
  size_t count = 0;
  for (const auto& [name, value] : globalOptions(driverOf(ctx).state().settings)) {
    if (!stringMatch(pattern, name, true)) continue;
    reply.bulk(name);
    reply.bulk(value);
    ++count;
  }
  reply.mapAt(mark, count);
}

}  // namespace

void changeConfig(Context& ctx) {
  if (equalsIgnoreCase(ctx.arg(2), "get") && ctx.argc() == 4) return replyConfig(ctx, ctx.arg(3));
  if (equalsIgnoreCase(ctx.arg(2), "set") && ctx.argc() == 5) {
    if (equalsIgnoreCase(ctx.arg(3), "sentinel-pass")) ctx.redact(4);
    return change(ctx, [&](Step& step) { return sentinel::setGlobal(step, ctx.arg(3), std::string(ctx.arg(4))); });
  }
  ctx.reply().error("ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.");
}

void debugTimes(Context& ctx) {
  SentinelDriver& driver = driverOf(ctx);
  if (ctx.argc() == 2) {
    const auto times = sentinel::listTimes(driver.state().times);
    ctx.reply().map(times.size());
    for (const auto& [name, value] : times) {
      ctx.reply().bulk(name);
      ctx.reply().bulk(value);
    }
    return;
  }
  change(ctx, [&](Step& step) -> std::string {
    for (size_t i = 2; i < ctx.argc(); i += 2) {
      const std::string name(ctx.arg(i));
      if (i + 1 == ctx.argc() || !sentinel::isTime(name)) {
        return "ERR Unknown option or number of arguments for SENTINEL DEBUG '" + name + "'";
      }
      if (!sentinel::setTime(step.state.times, name, ctx.arg(i + 1))) {
        return "ERR Invalid argument '" + std::string(ctx.arg(i + 1)) + "' for SENTINEL DEBUG '" + name + "'";
      }
    }
    return {};
  });
}

void simulateFailure(Context& ctx) {
  bool afterElection = false;
  bool afterPromotion = false;
  for (std::string_view word : ctx.args().subspan(2)) {
    if (equalsIgnoreCase(word, "crash-after-election")) {
      afterElection = true;
    } else if (equalsIgnoreCase(word, "crash-after-promotion")) {
      afterPromotion = true;
    } else if (equalsIgnoreCase(word, "help")) {
      ctx.reply().array(2);
      ctx.reply().bulk("crash-after-election");
      ctx.reply().bulk("crash-after-promotion");
      return;
    } else {
      return ctx.reply().error("ERR Unknown failure simulation specified");
    }
  }
  change(ctx, [&](Step& step) {
    step.state.crashAfterElection = afterElection;
    step.state.crashAfterPromotion = afterPromotion;
    return std::string();
  });
}

}  // namespace vigil::drivers
