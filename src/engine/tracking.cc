#include "engine/tracking.h"

#include "engine/audience.h"
#include "engine/client_info.h"
#include "engine/worker.h"

namespace vigil::engine {

// --- Clients ---------------------------------------------------------------------------------------------------

void Tracking::enable(const Client& client) {
  MutexLock guard(mutex_);
  clients_.insert_or_assign(client->id, client);
  clientCount_.store(static_cast<int64_t>(clients_.size()), kRelaxed);
  audience_.set(Audience::kTracking, Audience::kTracking);
}

void Tracking::disable(const ClientInfo& client) {
  MutexLock guard(mutex_);
  clients_.erase(client.id);
  clientCount_.store(static_cast<int64_t>(clients_.size()), kRelaxed);
  if (clients_.empty()) audience_.set(Audience::kTracking, 0);
}

void Tracking::joinPrefix(std::string_view prefix, const Client& client) {
  MutexLock guard(mutex_);
  byPrefix_.at(prefix).clients.insert_or_assign(client->id, client);
  prefixes_.store(static_cast<int64_t>(byPrefix_.size()), kRelaxed);
}

void Tracking::leavePrefix(std::string_view prefix, const ClientInfo& client) {
  MutexLock guard(mutex_);
  Prefix* group = byPrefix_.find(prefix);
  if (group == nullptr) return;
  group->clients.erase(client.id);
  if (group->clients.empty()) byPrefix_.erase(prefix);
  prefixes_.store(static_cast<int64_t>(byPrefix_.size()), kRelaxed);
}

// --- What was read ---------------------------------------------------------------------------------------------

void Tracking::note(TrackedKeys& keys, std::string_view key, uint64_t client) {
  const TrackedKeys::Added added = keys.add(key, client);
  if (added == TrackedKeys::Added::kNothing) return;
  pairs_.fetch_add(1, kRelaxed);
  if (added == TrackedKeys::Added::kKeyAndClient) keys_.fetch_add(1, kRelaxed);
}

std::vector<uint64_t> Tracking::take(TrackedKeys& keys, std::string_view key) {
  std::vector<uint64_t> clients = keys.take(key);
  if (clients.empty()) return clients;
  keys_.fetch_sub(1, kRelaxed);
  pairs_.fetch_sub(static_cast<int64_t>(clients.size()), kRelaxed);
  return clients;
}

void Tracking::clear(TrackedKeys& keys) {
  keys_.fetch_sub(static_cast<int64_t>(keys.size()), kRelaxed);
  pairs_.fetch_sub(static_cast<int64_t>(keys.clear()), kRelaxed);
}

// --- Telling ---------------------------------------------------------------------------------------------------

void Tracking::send(const Client& client, Message message, oplog::Offset depends, const Worker* from) const {
  const uint64_t redirect = client->redirect.load(kRelaxed);
  if (redirect == 0) return client->worker->push(client, message, depends, from);
  const Client other = registry_.find(redirect);
  if (other == nullptr) {
    client->redirectBroken.store(true, kRelaxed);
    return client->worker->push(client, Message::redirectBroken(redirect), depends, from);
  }
  message.redirected = true;
  other->worker->push(other, message, depends, from);
}

void Tracking::tell(std::span<const Invalidation> what, oplog::Offset depends, const Worker* from) {
  size_t told = 0;  // of the broadcasts
  for (size_t i = 0; i < what.size(); ++i) {
    if (what[i].kind != Invalidation::Kind::kAll) {
      tellReaders(what[i], depends, from);
      continue;
    }
    broadcast(what.subspan(told, i - told), depends, from);
    told = i + 1;
    tellAll(depends, from);
  }
  broadcast(what.subspan(told), depends, from);
}

void Tracking::tellReaders(const Invalidation& what, oplog::Offset depends, const Worker* from) {
  if (what.readers.empty()) return;
  const std::string_view key = what.key;
  const Message message = Message::invalidation({&key, 1});
  for (uint64_t id : what.readers) {
    const Client client = registry_.find(id);
    // One that has switched to another mode since it read the key does not want to hear of it.
    if (client == nullptr || (client->flags.load(kRelaxed) & kClientTracking) == 0) continue;
    if ((client->flags.load(kRelaxed) & kClientBroadcast) != 0) continue;
    if (id == what.writer && client->noLoop.load(kRelaxed)) continue;
    send(client, message, depends, from);
  }
}

void Tracking::tellAll(oplog::Offset depends, const Worker* from) {
  const Message message = Message::invalidation({});
  MutexLock guard(mutex_);
  for (const auto& [id, client] : clients_) send(client, message, depends, from);
}

void Tracking::broadcast(std::span<const Invalidation> what, oplog::Offset depends, const Worker* from) {
  if (what.empty() || !broadcasting()) return;
  MutexLock guard(mutex_);
  std::vector<Prefix*> concerned;
  for (const Invalidation& change : what) {
    if (change.kind != Invalidation::Kind::kChanged) continue;
    byPrefix_.visit(change.key, [&](std::string_view, Prefix& prefix) {
      if (prefix.changed.empty()) concerned.push_back(&prefix);
      const auto [at, first] = prefix.changed.emplace(change.key, change.writer);
      if (!first && at->second != change.writer) at->second = 0;  // several did
    });
  }
  for (Prefix* prefix : concerned) {
    tellPrefix(*prefix, depends, from);
    prefix->changed.clear();
  }
}

void Tracking::tellPrefix(const Prefix& prefix, oplog::Offset depends, const Worker* from) const {
  std::vector<std::string_view> keys;
  for (const auto& [key, writer] : prefix.changed) keys.push_back(key);
  const Message toMost = Message::invalidation(keys);
  for (const auto& [id, client] : prefix.clients) {
    if (!client->noLoop.load(kRelaxed)) {
      send(client, toMost, depends, from);
      continue;
    }
    keys.clear();
    for (const auto& [key, writer] : prefix.changed) {
      if (writer != id) keys.push_back(key);
    }
    if (!keys.empty()) send(client, Message::invalidation(keys), depends, from);
  }
}

}  // namespace vigil::engine
