// Who is subscribed to which channels and patterns, and the delivery of messages to them.
//
// Thread safe. Channels are spread over stripes, each with a lock: whoever publishes holds those of its channels from
// before its record enters the log until every receiver's inbox has the message, so that all subscribers of a channel,
// here and on replicas, see one order. Patterns have a lock of their own, taken under a stripe's.
//
//   shards > channel stripes, ascending > the log's, patterns > inboxes
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/string_map.h"
#include "engine/message.h"
#include "engine/prefix_index.h"
#include "oplog/log.h"

namespace vigil::engine {

struct ClientInfo;
class Worker;

class PubSub {
 public:
  using Client = std::shared_ptr<ClientInfo>;
  enum class Space : uint8_t { kChannels, kShardChannels };

  void subscribe(Space space, std::string_view channel, const Client& client);
  void unsubscribe(Space space, std::string_view channel, const ClientInfo& client);
  void subscribePattern(std::string_view pattern, const Client& client);
  void unsubscribePattern(std::string_view pattern, const ClientInfo& client);

  // How many would get a message now: PUBLISH's reply.
  size_t receivers(Space space, std::string_view channel);
  // Whether there is any subscriber of channels or patterns at all; a hint.
  bool anyone() const { return channels_.load(kRelaxed) != 0 || patternCount_.load(kRelaxed) != 0; }

  // --- Introspection ---
  // Those with subscribers that match the pattern, if one is given; in no order.
  std::vector<std::string> channels(Space space, std::optional<std::string_view> pattern);
  size_t subscribers(Space space, std::string_view channel);
  int64_t channelCount(Space space) const {
    return (space == Space::kChannels ? channels_ : shardChannels_).load(kRelaxed);
  }
  int64_t patternCount() const { return patternCount_.load(kRelaxed); }

  // --- Publishing ---
  // A set of stripes, as bits.
  using Stripes = uint64_t;
  static Stripes stripeOf(std::string_view channel);

  // Holds the locks of some channels. Not annotated: which ones is known at run time only.
  class Hold {
   public:
    Hold(PubSub& pubsub, Stripes stripes) NO_THREAD_SAFETY_ANALYSIS;
    ~Hold() NO_THREAD_SAFETY_ANALYSIS;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    PubSub& pubsub_;
    const Stripes stripes_;
  };

  // Puts the message into the inboxes of all who are to get it; the channel's stripe is held. `from`: the worker whose
  // thread this is.
  void deliver(Space space, std::string_view channel, std::string_view payload, oplog::Offset depends,
               const Worker* from);

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  static constexpr size_t kStripes = 64;
  // By id, so that one who leaves is found soon.
  using Clients = std::vector<Client>;
  struct alignas(64) Stripe {
    Mutex mutex;
    StringMap<Clients> channels GUARDED_BY(mutex);
    StringMap<Clients> shardChannels GUARDED_BY(mutex);
    StringMap<Clients>& of(Space space) REQUIRES(mutex) {
      return space == Space::kChannels ? channels : shardChannels;
    }
  };
  using Patterns = std::map<std::string, Clients, std::less<>>;

  static size_t numberOf(std::string_view channel);
  Stripe& stripe(std::string_view channel) { return stripes_[numberOf(channel)]; }
  std::atomic<int64_t>& counter(Space space) { return space == Space::kChannels ? channels_ : shardChannels_; }
  template <typename Visit>
  void eachMatch(std::string_view channel, Visit visit) REQUIRES(patternsMutex_);
  static void add(Clients& clients, const Client& client);
  static void remove(Clients& clients, const ClientInfo& client);
  static void pushTo(const Clients& clients, const Message& message, oplog::Offset depends, const Worker* from);

  std::array<Stripe, kStripes> stripes_;
  std::atomic<int64_t> channels_{0};
  std::atomic<int64_t> shardChannels_{0};

  Mutex patternsMutex_;
  // By the literal bytes with which a pattern begins.
  PrefixIndex<Patterns> patterns_ GUARDED_BY(patternsMutex_);
  std::atomic<int64_t> patternCount_{0};
};

}  // namespace vigil::engine
