// CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR.
#include <algorithm>

#include "base/text.h"
#include "command/args.h"
#include "engine/client_commands.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"

namespace vigil::engine {

namespace {

using command::Context;

constexpr auto kRelaxed = std::memory_order_relaxed;

Session& sessionOf(Context& ctx) { return static_cast<Session&>(ctx.session()); }
Engine& engineOf(Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

struct TrackingOptions {
  uint64_t redirect = 0;  // 0: none
  bool broadcast = false, optIn = false, optOut = false, noLoop = false;
  std::vector<std::string_view> prefixes;

  TrackingMode::Of of() const {
    if (broadcast) return TrackingMode::Of::kBroadcast;
    if (optIn) return TrackingMode::Of::kOptIn;
    return optOut ? TrackingMode::Of::kOptOut : TrackingMode::Of::kAll;
  }
};

// False after an error reply.
bool parseRedirect(command::ArgCursor& args, const ClientRegistry& clients, TrackingOptions& options) {
  if (options.redirect != 0) return args.fail("ERR A client can only redirect to a single other client");
  auto id = args.integer();
  if (!id) return false;
  if (*id <= 0 || clients.find(static_cast<uint64_t>(*id)) == nullptr) {
    return args.fail("ERR The client ID you want redirect to does not exist");
  }
  options.redirect = static_cast<uint64_t>(*id);
  return true;
}

bool parseOptions(Context& ctx, TrackingOptions& options) {
  command::ArgCursor args(ctx, 3);
  while (!args.done()) {
    if (args.take("redirect", 1)) {
      if (!parseRedirect(args, engineOf(ctx).clients(), options)) return false;
    } else if (args.take("bcast")) {
      options.broadcast = true;
    } else if (args.take("optin")) {
      options.optIn = true;
    } else if (args.take("optout")) {
      options.optOut = true;
    } else if (args.take("noloop")) {
      options.noLoop = true;
    } else if (args.take("prefix", 1)) {
      options.prefixes.push_back(args.next());
    } else {
      return args.syntaxError();
    }
  }
  return true;
}

bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

// What is wrong with the prefixes; empty: nothing. No key may be told of twice.
std::string refusedPrefixes(const TrackingOptions& options, const TrackingMode* before) {
  const auto quoted = [](std::string_view text) { return "'" + std::string(text) + "'"; };
  constexpr std::string_view kEnd = ". Prefixes for a single client must not overlap.";
  for (size_t i = 0; i < options.prefixes.size(); ++i) {
    const std::string_view prefix = options.prefixes[i];
    if (before != nullptr) {
      for (const std::string& other : before->prefixes) {
        if (!overlap(prefix, other)) continue;
        return "ERR Prefix " + quoted(prefix) + " overlaps with an existing prefix " + quoted(other) +
               std::string(kEnd);
      }
    }
    for (size_t j = i + 1; j < options.prefixes.size(); ++j) {
      if (!overlap(prefix, options.prefixes[j])) continue;
      return "ERR Prefix " + quoted(prefix) + " overlaps with another provided prefix " + quoted(options.prefixes[j]) +
             std::string(kEnd);
    }
  }
  return {};
}

std::string refusedOptions(const TrackingOptions& options, const TrackingMode* before) {
  using Of = TrackingMode::Of;
  if (!options.broadcast && !options.prefixes.empty()) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (before != nullptr && (before->of == Of::kBroadcast) != options.broadcast) {
    return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it "
           "with a different mode.";
  }
  if (options.broadcast && (options.optIn || options.optOut)) {
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  }
  if (options.optIn && options.optOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (before != nullptr &&
      ((options.optIn && before->of == Of::kOptOut) || (options.optOut && before->of == Of::kOptIn))) {
    return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it "
           "with a different mode.";
  }
  return options.broadcast ? refusedPrefixes(options, before) : std::string();
}

void addPrefix(Engine& engine, Session& session, std::string_view prefix) {
  if (!session.tracking->prefixes.emplace(prefix).second) return;
  engine.tracking().joinPrefix(prefix, session.info);
  constexpr size_t kNodes = 192;  // here and in the registry
  session.info->prefixMemory.fetch_add(2 * prefix.size() + kNodes, kRelaxed);
}

void startTracking(Engine& engine, Session& session, const TrackingOptions& options) {
  if (!session.tracking) session.tracking = std::make_unique<TrackingMode>();
  session.tracking->of = options.of();
  ClientInfo& info = *session.info;
  info.redirect.store(options.redirect, kRelaxed);
  info.redirectBroken.store(false, kRelaxed);
  info.noLoop.store(options.noLoop, kRelaxed);
  info.flags.fetch_or(kClientTracking | (options.broadcast ? kClientBroadcast : 0u), kRelaxed);
  session.listens = true;
  engine.tracking().enable(session.info);
  if (!options.broadcast) return;
  if (options.prefixes.empty()) addPrefix(engine, session, "");
  for (std::string_view prefix : options.prefixes) addPrefix(engine, session, prefix);
}

}  // namespace

void stopTracking(Engine& engine, Session& session) {
  if (!session.tracking) return;
  ClientInfo& info = *session.info;
  for (const std::string& prefix : session.tracking->prefixes) engine.tracking().leavePrefix(prefix, info);
  engine.tracking().disable(info);
  session.tracking.reset();
  info.flags.fetch_and(~(kClientTracking | kClientBroadcast), kRelaxed);
  info.redirect.store(0, kRelaxed);
  info.redirectBroken.store(false, kRelaxed);
  info.noLoop.store(false, kRelaxed);
  info.prefixMemory.store(0, kRelaxed);
}

void clientTracking(Context& ctx) {
  TrackingOptions options;
  if (!parseOptions(ctx, options)) return;
  Session& session = sessionOf(ctx);
  if (equalsIgnoreCase(ctx.arg(2), "on")) {
    const std::string refused = refusedOptions(options, session.tracking.get());
    if (!refused.empty()) return ctx.reply().error(refused);
    startTracking(engineOf(ctx), session, options);
  } else if (equalsIgnoreCase(ctx.arg(2), "off")) {
    stopTracking(engineOf(ctx), session);
  } else {
    return ctx.reply().syntaxError();
  }
  ctx.reply().ok();
}

void clientCaching(Context& ctx) {
  TrackingMode* tracking = sessionOf(ctx).tracking.get();
  using Of = TrackingMode::Of;
  if (tracking == nullptr) {
    return ctx.reply().error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  }
  if (equalsIgnoreCase(ctx.arg(2), "yes")) {
    if (tracking->of != Of::kOptIn) {
      return ctx.reply().error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
  } else if (equalsIgnoreCase(ctx.arg(2), "no")) {
    if (tracking->of != Of::kOptOut) {
      return ctx.reply().error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
  } else {
    return ctx.reply().syntaxError();
  }
  tracking->caching = true;
  ctx.reply().ok();
}

void clientGetRedirection(Context& ctx) {
  Session& session = sessionOf(ctx);
  ctx.reply().integer(session.tracking ? static_cast<int64_t>(session.info->redirect.load(kRelaxed)) : -1);
}

void clientTrackingInfo(Context& ctx) {
  Session& session = sessionOf(ctx);
  const TrackingMode* tracking = session.tracking.get();
  using Of = TrackingMode::Of;
  std::vector<std::string_view> flags{tracking != nullptr ? "on" : "off"};
  if (tracking != nullptr) {
    if (tracking->of == Of::kBroadcast) flags.push_back("bcast");
    if (tracking->of == Of::kOptIn) flags.push_back("optin");
    if (tracking->of == Of::kOptIn && tracking->caching) flags.push_back("caching-yes");
    if (tracking->of == Of::kOptOut) flags.push_back("optout");
    if (tracking->of == Of::kOptOut && tracking->caching) flags.push_back("caching-no");
    if (session.info->noLoop.load(kRelaxed)) flags.push_back("noloop");
    if (session.info->redirectBroken.load(kRelaxed)) flags.push_back("broken_redirect");
  }
  command::Reply& reply = ctx.reply();
  reply.map(3);
  reply.bulk("flags");
  reply.set(flags.size());
  for (std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("redirect");
  reply.integer(tracking != nullptr ? static_cast<int64_t>(session.info->redirect.load(kRelaxed)) : -1);
  reply.bulk("prefixes");
  reply.array(tracking != nullptr ? tracking->prefixes.size() : 0);
  if (tracking == nullptr) return;
  for (const std::string& prefix : tracking->prefixes) reply.bulk(prefix);
}

}  // namespace vigil::engine
