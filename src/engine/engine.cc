#include "engine/engine.h"

#include <algorithm>

#include "base/ports/entropy.h"
#include "commands/keys_commands.h"
#include "commands/list_commands.h"
#include "commands/sort_commands.h"
#include "commands/string_commands.h"
#include "engine/acl/acl_commands.h"
#include "engine/client_commands.h"
#include "engine/command_commands.h"
#include "engine/connection_commands.h"
#include "engine/debug/debug_commands.h"
#include "engine/info_sections.h"
#include "engine/latency_commands.h"
#include "engine/lolwut.h"
#include "engine/module_commands.h"
#include "engine/pubsub_commands.h"
#include "engine/memory_commands.h"
#include "engine/server_commands.h"
#include "engine/slow_log_commands.h"
#include "engine/transaction_commands.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

// Frees large values and detached tables on a thread of the pool.
class PoolReaper final : public keyspace::Reaper {
 public:
  PoolReaper(TaskPool& tasks, Engine::ReaperCounts& counts) : tasks_(tasks), counts_(counts) {}
  void reap(std::move_only_function<void()> freeing, keyspace::Remains what) override {
    counts_.pending.fetch_add(what.keys, std::memory_order_relaxed);
    counts_.bytes.fetch_add(what.bytes, std::memory_order_relaxed);
    tasks_.submit([this, freeing = std::move(freeing), what]() mutable {
      freeing();
      freeing = nullptr;
      counts_.bytes.fetch_sub(what.bytes, std::memory_order_relaxed);
      counts_.pending.fetch_sub(what.keys, std::memory_order_relaxed);
      counts_.done.fetch_add(what.keys, std::memory_order_relaxed);
    });
  }

 private:
  TaskPool& tasks_;
  Engine::ReaperCounts& counts_;
};

keyspace::Keyspace::Options withReaper(keyspace::Keyspace::Options options, keyspace::Reaper* reaper,
                                       const keyspace::LazyFreeing& lazyFreeing) {
  options.reaper = reaper;
  options.lazyFreeing = &lazyFreeing;
  return options;
}

}  // namespace

Engine::Engine(const System& system, Logger& logger, Options& options, const keyspace::Keyspace::Options& keyspace,
               oplog::History history)
    : system_(system),
      logger_(logger),
      options_(options),
      reaper_(std::make_unique<PoolReaper>(system.tasks, reaperCounts_)),
      keyspace_(withReaper(keyspace, reaper_.get(), options.lazyFreeing)),
      log_(std::move(history), 0),
      shardStates_(keyspace.shards),
      runId_(system.entropy.hex(40)),
      startTime_(system.clock.mono()),
      startWallTime_(system.clock.wall()),
      duties_(std::make_shared<std::vector<std::shared_ptr<BackgroundDuty>>>()) {}

Engine::~Engine() {
  options_.memory.limitChanged = nullptr;
  options_.memory.changed = nullptr;
  options_.clientMemoryChanged = nullptr;
}

void Engine::addDataRows(command::CommandTable& table, Engine* engine) {
  auto part = [engine](auto member) -> void* { return engine != nullptr ? &(engine->options_.*member) : nullptr; };
  for (auto rows : {commands::keyExistenceCommands(), commands::keyMoveCommands(), commands::keyExpireCommands(),
                    commands::keyTtlCommands(), commands::keyScanCommands(), commands::keyObjectCommands(),
                    commands::databaseCommands()}) {
    table.add(rows, part(&Options::keys));
  }
  table.add(commands::keyDumpCommands(), part(&Options::dumps));
  table.add(commands::sortCommands(), part(&Options::sorts));
  for (auto rows : {commands::listPushPopCommands(), commands::listRangeCommands(), commands::listEditCommands(),
                    commands::listMoveCommands(), commands::listPopAnyCommands()}) {
    table.add(rows, part(&Options::lists));
  }
  for (auto rows : {commands::stringReadCommands(), commands::stringSetCommands(), commands::stringCounterCommands(),
                    commands::stringRangeCommands(), commands::stringLcsCommands(), commands::bitCommands(),
                    commands::bitfieldCommands()}) {
    table.add(rows, engine != nullptr ? &engine->stringLimits_ : nullptr);
  }
  for (auto rows : {connectionCommands(), slowLogCommands(), latencyCommands(), transactionCommands(), clientCommands(),
                    acl::aclCommands(), subscriptionCommands(), publishCommands(), monitorCommands(), lolwutCommands(),
                    moduleCommands(), commandCommands(), serverCommands(), memoryCommands(), debugCommands()}) {
    table.add(rows, engine);
  }
}

void Engine::addDataCommands() {
  addDataRows(commands_, this);
  addDebugControls(debug_);
  addDebugData(debug_);
  addDebugReplies(debug_);
  addEngineSections(info_, *this);
  addDefaultSections(info_, *this);
  addStatisticsSections(info_, *this);
}

void Engine::addSentinelRows(command::CommandTable& table, Engine* engine) {
  for (auto rows : {connectionCommands(), clientCommands(), acl::aclCommands(), subscriptionCommands(),
                    commandCommands(), serverCommands()}) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if ((rows[i].flags & command::kSentinel) != 0) table.add(rows.subspan(i, 1), engine);
    }
  }
}

void Engine::addSentinelCommands() {
  addSentinelRows(commands_, this);
  addEngineSections(info_, *this);
  addStatisticsSections(info_, *this);
  info_.keepOnly({"server", "clients", "stats", "cpu", "sentinel"});
}

void Engine::start(const std::vector<EventLoop*>& loops, EventLoop& control) {
  control_ = &control;
  shutdown_.setControl(control);
  options_.monitoring.thresholdsChanged();
  world_ = std::make_unique<WorldLock>(loops.size());
  keyspace_.prefetching().setReaders(loops.size());
  slotUsage_.setWorkers(loops.size());
  for (size_t i = 0; i < loops.size(); ++i) workers_.push_back(std::make_unique<Worker>(*this, i, *loops[i]));
  options_.memory.limitChanged = [this] { memoryLimit_.limitChanged(); };
  options_.memory.changed = [this] { memoryLimit_.optionsChanged(); };
  memoryLimit_.optionsChanged();
  options_.clientMemoryChanged = [this] { clientEviction_.limitChanged(); };
  statistics_.markStart();
  commit_.addListener([this] {
    if (commitPosted_.exchange(true)) return;
    for (auto& worker : workers_) {
      worker->loop().post([this, &worker] {
        commitPosted_.exchange(false);  // reads what the last advance() left, so that its offset is seen
        worker->flushCommitted();
      });
    }
  });
}

void Engine::stop() { workers_.clear(); }

std::shared_ptr<void> Engine::holdPlace() {
  auto place = clients_.holdPlace(static_cast<size_t>(options_.maxClients.load(std::memory_order_relaxed)));
  if (place == nullptr) rejectedConnections_.fetch_add(1, std::memory_order_relaxed);
  return place;
}

void Engine::accept(std::unique_ptr<Stream> stream) {
  const std::shared_ptr<void> place = holdPlace();
  if (place == nullptr) {
    stream->write(std::string_view("-ERR max number of clients reached\r\n"));
    return;
  }
  if (options_.protectedMode.load(std::memory_order_relaxed) &&
      !acl_.defaultHasPassword()) {
    Endpoint peer = stream->peer();
    bool local = stream->local().isUnix() || peer.host.starts_with("127.") || peer.host == "::1" ||
                 peer.host.starts_with("::ffff:127.");
    if (!local) {
      stream->write(std::string_view(
          "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for "
          "the default user. In this mode connections are only accepted from the loopback interface. If you want to "
          "connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable "
          "protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by "
          "connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly "
          "accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) "
          "Alternatively you can just disable the protected mode by editing the Redis configuration file, and "
          "setting the protected mode option to 'no', and then restarting the server. 3) If you started the server "
          "manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication "
          "password for the default user. NOTE: You only need to do one of the above things in order for the server "
          "to start accepting connections from the outside.\r\n"));
      rejectedConnections_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  Worker& worker = *workers_[nextWorker_.fetch_add(1, std::memory_order_relaxed) % workers_.size()];
  worker.adoptLater(std::move(stream), clients_.expect());
}

void Engine::withWorld(Task work) { workers_.front()->withWorld(std::move(work)); }

void Engine::becameReplica() {
  for (auto& worker : workers_) {
    worker->loop().post([&worker] { worker->unblockAll(); });
  }
}

void Engine::dataReplaced() {
  for (ShardState& shard : shardStates_) tracking_.clear(shard.tracked);
  const Invalidation all;
  tracking_.tell({&all, 1}, 0, nullptr);
}

std::shared_ptr<const cluster::Routing> Engine::sharedRouting() {
  MutexLock guard(routingMutex_);
  return routing_;
}

void Engine::setRouting(std::shared_ptr<const cluster::Routing> routing) {
  {
    MutexLock guard(routingMutex_);
    std::swap(routing_, routing);
  }
  ++routingNumber_;
  for (uint16_t slot = 0; routing != nullptr && slot < kSlotCount; ++slot) {  // what has left begins anew if it returns
    if (routing->ofMyShard(slot) && !routing_->ofMyShard(slot)) slotUsage_.clear(slot);
  }
  for (auto& worker : workers_) {
    worker->loop().post([&worker] { worker->endMisplacedWaits(); });
  }
}

void Engine::historyChanged() {
  for (auto& worker : workers_) {
    worker->loop().post([&worker] { worker->closeUncommitted(); });
  }
}

void Engine::endExpiredPauses() {
  withWorld([this] {
    if (pause_.expire(system_.clock.wall() / 1000) || !pause_.active()) resumePaused();
  });
}

void Engine::resumePaused() {
  for (auto& worker : workers_) {
    worker->loop().post([&worker] { worker->resumePaused(); });
  }
}

void Engine::addDuty(std::shared_ptr<BackgroundDuty> duty) {
  {
    MutexLock guard(dutiesMutex_);
    auto list = std::make_shared<std::vector<std::shared_ptr<BackgroundDuty>>>(*duties_);
    list->push_back(std::move(duty));
    duties_ = std::move(list);
    haveDuties_.store(true, std::memory_order_release);
  }
  wakeWorkers();
}

void Engine::wakeWorkers() {
  for (auto& worker : workers_) worker->loop().post([] {});
}

void Engine::removeDuty(const BackgroundDuty* duty) {
  MutexLock guard(dutiesMutex_);
  auto list = std::make_shared<std::vector<std::shared_ptr<BackgroundDuty>>>(*duties_);
  std::erase_if(*list, [duty](const auto& d) { return d.get() == duty; });
  haveDuties_.store(!list->empty(), std::memory_order_release);
  duties_ = std::move(list);
}

std::shared_ptr<const std::vector<std::shared_ptr<BackgroundDuty>>> Engine::duties() const {
  MutexLock guard(dutiesMutex_);
  return duties_;
}

int64_t Engine::sum(Counter WorkerStats::*counter) const {
  int64_t total = 0;
  for (const auto& worker : workers_) total += (worker->stats().*counter).get();
  return total;
}

}  // namespace vigil::engine
