// Loading at start. The data set is built in a keyspace of its own, on the executor, and taken over in one exclusive
// moment: until then clients are answered, with LOADING.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/ports/clock.h"
#include "base/ports/files.h"
#include "drivers/persistence/dropped_keys.h"
#include "drivers/persistence/rdb_driver.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers {

namespace {

std::string withDecimals(double value, int decimals) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

struct RdbDriver::Load {
  Load(const keyspace::Keyspace::Options& options, size_t backlog) : loaded(options), dropped(backlog) {}
  keyspace::Keyspace loaded;
  std::string path;
  persistence::RdbAux aux;
  uint64_t keysLoaded = 0;
  uint64_t keysExpired = 0;
  DroppedKeys dropped;
  MonoUs began = 0;
  Done done;
};

persistence::RdbLoadOptions RdbDriver::loadOptions(uint64_t bytes) const {
  return {.now = engine_.system().clock.wall() / 1000,
          .dropExpired = !engine_.state().replica.load(),
          .verifyChecksum = options_.checksum.load() && engine_.options().dumps.verifyChecksum.load(),
          .listLimit = engine_.options().lists.limit(),
          .expectedBytes = bytes};
}

void RdbDriver::load(Done done) {
  const std::string path = options_.fileName.load();
  if (path.empty() || !engine_.system().files.exists(path)) {
    engine_.state().loading.store(false);
    return done({});
  }
  {
    MutexLock lock(mutex_);
    status_.loading = true;
    status_.loadingStart = unixSeconds();
  }
  auto load = std::make_shared<Load>(engine_.keyspace().options(), engine_.log().backlogSize());
  load->path = path;
  load->began = engine_.system().clock.mono();
  load->done = std::move(done);
  executor_->submit([this, load] { loadFile(load); });
}

void RdbDriver::loadFile(std::shared_ptr<Load> load) {
  auto refuse = [&](const std::string& text) {
    engine_.logger().warning(text);
    load->done(fail("Fatal error loading the DB, check server logs. Exiting."));
  };
  auto file = engine_.system().files.open(load->path, FileSystem::Open::kRead);
  if (!file)
    return refuse("Fatal error: can't open the RDB file " + load->path + " for reading: " + file.error().message);
  const uint64_t size = (*file)->size().value_or(0);
  {
    MutexLock lock(mutex_);
    status_.loadingTotalBytes = size;
  }
  auto options = loadOptions(size);
  options.dropped = [&dropped = load->dropped](int db, std::string_view key) { dropped.add(db, key); };
  persistence::RdbLoader loader(load->loaded, options);
  bool announced = false;
  auto announce = [&] {
    if (std::exchange(announced, true)) return;
    logOrigin(loader.aux());
    MutexLock lock(mutex_);
    status_.loadingUsedMemory = loader.aux().usedMemory.value_or(0);
  };
  const auto end = persistence::loadRdbFile(loader, **file, [&](uint64_t offset) {
    announce();
    {
      MutexLock lock(mutex_);
      status_.loadingLoadedBytes = offset;
    }
    return goesOn();
  });
  if (!end && end.error().code == ECANCELED) return;
  announce();
  if (!end) return refuse(end.error().message);
  logLoaded(loader);
  load->aux = loader.aux();
  load->keysLoaded = loader.keysLoaded();
  load->keysExpired = loader.keysExpired();
  engine_.withWorld([this, load] { takeOver(*load); });
}

void RdbDriver::takeOver(Load& load) {
  engine_.keyspace().replaceAll(load.loaded);
  engine_.dataReplaced();
  resumeHistory(load);
  {
    MutexLock lock(mutex_);
    status_.loading = false;
    status_.lastLoadKeysLoaded = load.keysLoaded;
    status_.lastLoadKeysExpired = load.keysExpired;
    savedDirty_ = engine_.dirty();
  }
  if (recovered_) recovered_();
  engine_.state().loading.store(false);
  const auto took = static_cast<double>(engine_.system().clock.mono() - load.began) / 1e6;
  engine_.logger().notice("DB loaded from disk: " + withDecimals(took, 3) + " seconds");
  load.done({});
}

// A replica goes on in its master's history where the file ends. A master begins a new history there, of which the old
// one is the past: replicas that are no further than the file go on without a full resync, others cannot be followed.
void RdbDriver::resumeHistory(const Load& load) {
  const persistence::RdbAux& aux = load.aux;
  if (aux.replicationId.empty() || !aux.replicationOffset || *aux.replicationOffset < 0) return;
  oplog::Log& log = engine_.log();
  const oplog::Offset offset = *aux.replicationOffset;
  const bool replica = engine_.state().replica.load();
  if (!replica && !load.dropped.fit()) {
    return engine_.logger().notice("More keys had expired than the replication backlog can tell replicas of: they need a full resync.");
  }
  log.setNeeded(oplog::Log::Reason::kReplication, true);  // from here on offsets must count
  if (replica) {
    log.restart(oplog::History{.id = aux.replicationId}, offset);
    if (aux.streamDb) log.setSelectedDb(*aux.streamDb);
    return;
  }
  log.restart(oplog::History{.id = aux.replicationId}.continuedByUsAs(log.history().id, offset), offset);
  load.dropped.appendTo(log);
}

void RdbDriver::logOrigin(const persistence::RdbAux& aux) const {
  Logger& logger = engine_.logger();
  if (!aux.redisVersion.empty()) logger.notice("Loading RDB produced by version " + aux.redisVersion);
  if (aux.created) {
    logger.notice("RDB age " + std::to_string(std::max<int64_t>(0, unixSeconds() - *aux.created)) + " seconds");
  }
  if (aux.usedMemory) {
    logger.notice("RDB memory usage when created " + withDecimals(static_cast<double>(*aux.usedMemory) / 1048576, 2) +
                  " Mb");
  }
  if (aux.aofBase) logger.notice("RDB is base AOF");
}

void RdbDriver::logLoaded(const persistence::RdbLoader& loader) const {
  std::string text = "Done loading RDB, keys loaded: " + std::to_string(loader.keysLoaded()) +
                     ", keys expired: " + std::to_string(loader.keysExpired());
  if (loader.emptyKeysSkipped() != 0) text += ", empty keys skipped: " + std::to_string(loader.emptyKeysSkipped());
  engine_.logger().notice(text + ".");
}

}  // namespace vigil::drivers
