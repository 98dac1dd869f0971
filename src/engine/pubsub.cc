#include "engine/pubsub.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "engine/client_info.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

std::string_view literalPrefix(std::string_view pattern) {
  return pattern.substr(0, std::min(pattern.size(), pattern.find_first_of("*?[\\")));
}

}  // namespace

size_t PubSub::numberOf(std::string_view channel) { return StringHash()(channel) % kStripes; }

PubSub::Stripes PubSub::stripeOf(std::string_view channel) { return Stripes{1} << numberOf(channel); }

PubSub::Hold::Hold(PubSub& pubsub, Stripes stripes) : pubsub_(pubsub), stripes_(stripes) {
  for (Stripes left = stripes; left != 0; left &= left - 1) {
    pubsub.stripes_[static_cast<size_t>(std::countr_zero(left))].mutex.lock();
  }
}

PubSub::Hold::~Hold() {
  for (Stripes left = stripes_; left != 0; left &= left - 1) {
    pubsub_.stripes_[static_cast<size_t>(std::countr_zero(left))].mutex.unlock();
  }
}

// --- Subscribers -----------------------------------------------------------------------------------------------

void PubSub::add(Clients& clients, const Client& client) {
  auto at = std::ranges::lower_bound(clients, client->id, {}, [](const Client& c) { return c->id; });
  if (at == clients.end() || (*at)->id != client->id) clients.insert(at, client);
}

void PubSub::remove(Clients& clients, const ClientInfo& client) {
  auto at = std::ranges::lower_bound(clients, client.id, {}, [](const Client& c) { return c->id; });
  if (at != clients.end() && (*at)->id == client.id) clients.erase(at);
}

void PubSub::subscribe(Space space, std::string_view channel, const Client& client) {
  Stripe& stripe = this->stripe(channel);
  MutexLock guard(stripe.mutex);
  auto& table = stripe.of(space);
  auto at = table.find(channel);
  if (at == table.end()) {
    at = table.emplace(std::string(channel), Clients()).first;
    counter(space).fetch_add(1, kRelaxed);
  }
  add(at->second, client);
}

void PubSub::unsubscribe(Space space, std::string_view channel, const ClientInfo& client) {
  Stripe& stripe = this->stripe(channel);
  MutexLock guard(stripe.mutex);
  auto& table = stripe.of(space);
  auto at = table.find(channel);
  if (at == table.end()) return;
  remove(at->second, client);
  if (!at->second.empty()) return;
  table.erase(at);
  counter(space).fetch_sub(1, kRelaxed);
}

void PubSub::subscribePattern(std::string_view pattern, const Client& client) {
  MutexLock guard(patternsMutex_);
  Patterns& group = patterns_.at(literalPrefix(pattern));
  auto at = group.find(pattern);
  if (at == group.end()) {
    at = group.emplace(std::string(pattern), Clients()).first;
    patternCount_.fetch_add(1, kRelaxed);
  }
  add(at->second, client);
}

void PubSub::unsubscribePattern(std::string_view pattern, const ClientInfo& client) {
  MutexLock guard(patternsMutex_);
  Patterns* group = patterns_.find(literalPrefix(pattern));
  if (group == nullptr) return;
  auto at = group->find(pattern);
  if (at == group->end()) return;
  remove(at->second, client);
  if (!at->second.empty()) return;
  group->erase(at);
  patternCount_.fetch_sub(1, kRelaxed);
  if (group->empty()) patterns_.erase(literalPrefix(pattern));
}

// --- Introspection ---------------------------------------------------------------------------------------------

template <typename Visit>
void PubSub::eachMatch(std::string_view channel, Visit visit) {
  patterns_.visit(channel, [&](std::string_view, const Patterns& group) {
    for (const auto& [pattern, clients] : group) {
      if (stringMatch(pattern, channel)) visit(pattern, clients);
    }
  });
}

size_t PubSub::subscribers(Space space, std::string_view channel) {
  Stripe& stripe = this->stripe(channel);
  MutexLock guard(stripe.mutex);
  auto& table = stripe.of(space);
  auto at = table.find(channel);
  return at == table.end() ? 0 : at->second.size();
}

size_t PubSub::receivers(Space space, std::string_view channel) {
  size_t count = subscribers(space, channel);
  if (space == Space::kChannels && patternCount() != 0) {
    MutexLock guard(patternsMutex_);
    eachMatch(channel, [&](std::string_view, const Clients& clients) { count += clients.size(); });
  }
  return count;
}

std::vector<std::string> PubSub::channels(Space space, std::optional<std::string_view> pattern) {
  std::vector<std::string> names;
  for (Stripe& stripe : stripes_) {
    MutexLock guard(stripe.mutex);
    for (const auto& [name, clients] : stripe.of(space)) {
      if (!pattern || stringMatch(*pattern, name)) names.push_back(name);
    }
  }
  return names;
}

// --- Publishing ------------------------------------------------------------------------------------------------

void PubSub::pushTo(const Clients& clients, const Message& message, oplog::Offset depends, const Worker* from) {
  for (const Client& client : clients) client->worker->push(client, message, depends, from);
}

void PubSub::deliver(Space space, std::string_view channel, std::string_view payload, oplog::Offset depends,
                     const Worker* from) {
  Stripe& stripe = this->stripe(channel);
  stripe.mutex.assertHeld();
  auto& table = stripe.of(space);
  auto at = table.find(channel);
  if (at != table.end()) {
    const std::string_view kind = space == Space::kChannels ? "message" : "smessage";
    pushTo(at->second, Message::push({kind, channel, payload}), depends, from);
  }
  if (space != Space::kChannels || patternCount() == 0) return;
  MutexLock guard(patternsMutex_);
  eachMatch(channel, [&](std::string_view pattern, const Clients& clients) {
    pushTo(clients, Message::push({"pmessage", pattern, channel, payload}), depends, from);
  });
}

}  // namespace vigil::engine
