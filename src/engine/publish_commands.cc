// PUBLISH, SPUBLISH and PUBSUB.
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/help_reply.h"
#include "engine/pubsub_commands.h"
#include "engine/session.h"

namespace vigil::engine {

namespace {

using namespace command;  // the flags of the rows
using Space = PubSub::Space;

PubSub& pubsubOf(Context& ctx) { return static_cast<Execution&>(ctx).engine().pubsub(); }

template <Space kSpace>
void publish(Context& ctx) {
  auto& execution = static_cast<Execution&>(ctx);
  const size_t receivers = pubsubOf(ctx).receivers(kSpace, ctx.arg(1));
  execution.publish(kSpace, ctx.arg(1), ctx.arg(2), receivers != 0);
  ctx.reply().integer(static_cast<int64_t>(receivers));
}

template <Space kSpace>
void channels(Context& ctx) {
  if (ctx.argc() > 3) return replyWrongSubcommand(ctx, "PUBSUB");
  const auto pattern = ctx.argc() == 3 ? std::optional(ctx.arg(2)) : std::nullopt;
  const auto names = pubsubOf(ctx).channels(kSpace, pattern);
  ctx.reply().array(names.size());
  for (const std::string& name : names) ctx.reply().bulk(name);
}

template <Space kSpace>
void subscriberCounts(Context& ctx) {
  ctx.reply().array((ctx.argc() - 2) * 2);
  for (std::string_view channel : ctx.args().subspan(2)) {
    ctx.reply().bulk(channel);
    ctx.reply().integer(static_cast<int64_t>(pubsubOf(ctx).subscribers(kSpace, channel)));
  }
}

void patternCount(Context& ctx) { ctx.reply().integer(pubsubOf(ctx).patternCount()); }

constexpr std::string_view kHelp[] = {
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
};

void help(Context& ctx) { replyHelp(ctx.reply(), "PUBSUB", kHelp); }

constexpr uint64_t kFlags = kPubsub | kLoading | kStale | kNoLocks;
constexpr KeySpec kShardChannel[] = {{.flags = kKeyNotKey}};

constexpr CommandSpec kSubcommands[] = {
    {.name = "shardnumsub",
     .arity = -2,
     .flags = kFlags,
     .handler = subscriberCounts<Space::kShardChannels>,
     .group = "pubsub",
     .since = "7.0.0",
     .summary = "Returns the count of subscribers of shard channels.",
     .complexity = "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
     .arguments = "[shardchannel+]"},
    {.name = "channels",
     .arity = -2,
     .flags = kFlags,
     .handler = channels<Space::kChannels>,
     .group = "pubsub",
     .since = "2.8.0",
     .summary = "Returns the active channels.",
     .complexity = "O(N) where N is the number of active channels, and assuming constant time pattern matching "
                   "(relatively short channels and patterns)",
     .arguments = "[pattern:pattern]"},
    {.name = "numsub",
     .arity = -2,
     .flags = kFlags,
     .handler = subscriberCounts<Space::kChannels>,
     .group = "pubsub",
     .since = "2.8.0",
     .summary = "Returns a count of subscribers to channels.",
     .complexity = "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
     .arguments = "[channel+]"},
    {.name = "shardchannels",
     .arity = -2,
     .flags = kFlags,
     .handler = channels<Space::kShardChannels>,
     .group = "pubsub",
     .since = "7.0.0",
     .summary = "Returns the active shard channels.",
     .complexity = "O(N) where N is the number of active shard channels, and assuming constant time pattern matching "
                   "(relatively short shard channels).",
     .arguments = "[pattern:pattern]"},
    {.name = "help",
     .arity = 2,
     .flags = kLoading | kStale | kNoLocks,
     .handler = help,
     .group = "pubsub",
     .since = "6.2.0",
     .summary = "Returns helpful text about the different subcommands.",
     .complexity = "O(1)"},
    {.name = "numpat",
     .arity = 2,
     .flags = kFlags,
     .handler = patternCount,
     .group = "pubsub",
     .since = "2.8.0",
     .summary = "Returns a count of unique pattern subscriptions.",
     .complexity = "O(1)"},
};

constexpr CommandSpec kCommands[] = {
    {.name = "publish",
     .arity = 3,
     .flags = kFlags | kFast | kMayReplicate,
     .handler = publish<Space::kChannels>,
     .group = "pubsub",
     .since = "2.0.0",
     .summary = "Posts a message to a channel.",
     .complexity = "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total "
                   "number of subscribed patterns (by any client).",
     .arguments = "channel message"},
    {.name = "spublish",
     .arity = 3,
     .flags = kFlags | kFast | kMayReplicate,
     .keys = kShardChannel,
     .handler = publish<Space::kShardChannels>,
     .group = "pubsub",
     .since = "7.0.0",
     .summary = "Post a message to a shard channel",
     .complexity = "O(N) where N is the number of clients subscribed to the receiving shard channel.",
     .arguments = "shardchannel message"},
    {.name = "pubsub",
     .arity = -2,
     .subcommands = kSubcommands,
     .group = "pubsub",
     .since = "2.8.0",
     .summary = "A container for Pub/Sub commands.",
     .complexity = "Depends on subcommand."},
};

}  // namespace

std::span<const CommandSpec> publishCommands() { return kCommands; }

}  // namespace vigil::engine
