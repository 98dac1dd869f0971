#include "engine/client_eviction.h"

#include <algorithm>
#include <vector>

#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

bool mayGo(const ClientInfo& client) {
  const ClientType type = typeOf(client);
  return (type == ClientType::kNormal || type == ClientType::kPubsub) &&
         (client.flags.load(kRelaxed) & kClientNoEvict) == 0;
}

}  // namespace

int64_t ClientEviction::limit() const {
  constexpr int64_t kLeast = 128 << 10;  // as in Redis
  const int64_t option = engine_.options().clientMemory.load(kRelaxed);
  if (option == 0) [[likely]]
    return 0;
  if (option > 0) return std::max(option, kLeast);
  const auto all = static_cast<int64_t>(engine_.options().memory.limit.load(kRelaxed));
  return all == 0 ? 0 : std::max(all * -option / 100, kLeast);
}

void ClientEviction::account(ClientInfo& client) {
  const int64_t now = engine_.options().clientMemory.load(kRelaxed) != 0 && mayGo(client) ? static_cast<int64_t>(memoryOf(client)) : 0;
  const int64_t before = client.counted.load(kRelaxed);
  if (now == before) return;
  client.counted.store(now, kRelaxed);
  total_.fetch_add(now - before, kRelaxed);
}

void ClientEviction::forget(ClientInfo& client) { total_.fetch_sub(client.counted.exchange(0, kRelaxed), kRelaxed); }

void ClientEviction::limitChanged() {
  for (size_t i = 0; i < engine_.workerCount(); ++i) {
    Worker& worker = engine_.worker(i);
    worker.loop().post([this, &worker] {
      worker.eachConnection([this](Connection& connection) { account(*connection.session().info); });
    });
  }
}

void ClientEviction::evict(int64_t most) {
  if (!evicting_.tryLock()) return;  // whoever has it does what there is to do
  auto clients = engine_.clients().all();
  int64_t stays = total_.load(kRelaxed);
  std::erase_if(clients, [&stays](const auto& client) {
    const bool leaves = client->evicting.load(kRelaxed);
    if (leaves) stays -= client->counted.load(kRelaxed);
    return leaves || client->counted.load(kRelaxed) == 0;
  });
  std::ranges::sort(clients, std::greater<>(), [](const auto& client) { return client->counted.load(kRelaxed); });
  for (const auto& client : clients) {
    if (stays <= most) break;
    stays -= client->counted.load(kRelaxed);
    close(client);
  }
  evicting_.unlock();
}

void ClientEviction::close(const std::shared_ptr<ClientInfo>& client) {
  client->evicting.store(true, kRelaxed);
  client->killed.store(true, kRelaxed);  // gone for whoever asks from now on
  client->worker->loop().post([this, client] {
    Connection* connection = client->connection;
    if (connection == nullptr || connection->closing()) return;
    engine_.logger().notice("Evicting client: " + describeClient(*client, client->worker->loop().now()));
    client->worker->stats().evictedClients.add();
    connection->close("evicted");
  });
}

}  // namespace vigil::engine
