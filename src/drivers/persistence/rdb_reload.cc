// DEBUG RELOAD: the data set goes to the RDB file and comes back from it. No client's command runs meanwhile, but the
// threads go on.
//
//   pause, save at this moment -> load beside the live data -> take over, go on
#include "base/ports/files.h"
#include "command/args.h"
#include "command/context.h"
#include "drivers/persistence/rdb_driver.h"
#include "engine/deferred_reply.h"
#include "engine/execution.h"
#include "keyspace/database.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers {

namespace {

constexpr auto kPurpose = engine::Pause::Purpose::kReload;

constexpr std::string_view kHelp[] = {
    "RELOAD [option ...]",
    "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
    "    * MERGE: conflicting keys will be loaded from RDB.",
    "    * NOFLUSH: the existing database will not be removed before load, but",
    "      conflicting keys are an error, and nothing is loaded then.",
    "    * NOSAVE: the database will be loaded from an existing RDB file.",
    "    Examples:",
    "    * DEBUG RELOAD: verify that the server is able to persist, flush and reload",
    "      the database.",
    "    * DEBUG RELOAD NOSAVE: replace the current database with the contents of an",
    "      existing RDB file.",
    "    * DEBUG RELOAD NOSAVE NOFLUSH MERGE: add the contents of an existing RDB",
    "      file to the database.",
};

using keyspace::Database;

// A key that both have, in some database; nullopt: there is none. Entries whose time has come count.
std::optional<std::string> commonKey(keyspace::Keyspace& live, keyspace::Keyspace& loaded) {
  std::optional<std::string> common;
  for (size_t i = 0; i < loaded.databaseCount() && !common; ++i) {
    Database into(live, static_cast<int>(i));
    Database from(loaded, static_cast<int>(i));
    for (Database* database : {&into, &from}) database->prepare(0, keyspace::ExpiryMode::kIgnore, nullptr, false);
    from.forEach([&](const keyspace::Entry& entry) {
      if (!common && into.exists(into.ref(entry.key()))) common = entry.key();
    });
  }
  return common;
}

// Moves all entries over, in place of those of the same name.
void merge(keyspace::Keyspace& live, keyspace::Keyspace& loaded) {
  for (size_t i = 0; i < loaded.databaseCount(); ++i) {
    Database into(live, static_cast<int>(i));
    Database from(loaded, static_cast<int>(i));
    for (Database* database : {&into, &from}) database->prepare(0, keyspace::ExpiryMode::kIgnore, nullptr, false);
    std::vector<std::string> names;
    from.forEach([&names](const keyspace::Entry& entry) { names.emplace_back(entry.key()); });
    for (const std::string& name : names) {
      const keyspace::KeyRef key = into.ref(name);
      into.erase(key);
      into.adopt(key, from.take(key));
    }
  }
}

}  // namespace

void RdbDriver::addReload() {
  engine_.debug().add({"RELOAD", 0, SIZE_MAX, kHelp, [this](command::Context& ctx) { reloadCommand(ctx); }});
}

void RdbDriver::reloadCommand(command::Context& ctx) {
  command::ArgCursor args(ctx, 2);
  Reload how;
  while (!args.done()) {
    if (args.take("NOSAVE")) {
      how.save = false;
    } else if (args.take("NOFLUSH")) {
      how.flush = false;
    } else if (args.take("MERGE")) {
      how.merge = true;
    } else {
      return ctx.reply().error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  // Its master's stream knows no pause: what came between saving and loading would be lost.
  if (engine_.state().replica.load()) return ctx.reply().error("ERR DEBUG RELOAD is not possible on a replica");
  if (!engine::DeferredReply::possible(ctx))
    return ctx.reply().error("ERR DEBUG RELOAD cannot be part of a transaction");
  reload(how, [later = std::make_shared<engine::DeferredReply>(ctx)](Status status) {
    later->answer([status = std::move(status)](command::Reply& reply) {
      if (status) return reply.ok();
      reply.error("ERR " + status.error().message);
    });
  });
}

// With the world held.
void RdbDriver::reload(Reload how, Done done) {
  engine_.pause().set(kPurpose, engine::Pause::Kind::kAll, INT64_MAX);
  auto shared = std::make_shared<Done>(std::move(done));
  auto load = [this, how, shared] { loadAgain(how, shared); };
  if (!how.save) return executor_->submit(load);
  cancelBackground();
  // The cancelled save ends on the executor, and this one begins only then: the data set cannot change until it does.
  executor_->submit([this, shared, load] {
    auto saved = [this, shared, load](Status status) {
      if (status) return load();
      endReload({}, nullptr, shared, fail("Error trying to save the DB, check server logs."));
    };
    if (auto started = this->save(Kind::kWaitedFor, saved); !started) saved(std::move(started));
  });
}

// On the executor.
void RdbDriver::loadAgain(Reload how, const std::shared_ptr<Done>& done) {
  const std::string path = options_.fileName.load();
  auto loaded = std::make_shared<keyspace::Keyspace>(engine_.keyspace().options());
  auto refuse = [&](const std::string& why) {
    engine_.logger().warning("DEBUG RELOAD: " + path + ": " + why);
    endReload(how, nullptr, done, fail("Error trying to load the RDB dump, check server logs."));
  };
  auto file = engine_.system().files.open(path, FileSystem::Open::kRead);
  if (!file) return refuse(file.error().message);
  auto options = loadOptions((*file)->size().value_or(0));
  options.dropExpired = false;  // replicas, which load nothing, hear of them when they expire here
  persistence::RdbLoader loader(*loaded, options);
  const auto end = persistence::loadRdbFile(loader, **file, [this](uint64_t) { return goesOn(); });
  if (!end) return refuse(end.error().message);
  logLoaded(loader);
  endReload(how, std::move(loaded), done, {});
}

void RdbDriver::endReload(Reload how, std::shared_ptr<keyspace::Keyspace> loaded, std::shared_ptr<Done> done,
                          Status status) {
  engine_.withWorld(
      [this, how, loaded = std::move(loaded), done = std::move(done), status = std::move(status)]() mutable {
        if (loaded != nullptr) status = install(how, *loaded);
        engine_.pause().clear(kPurpose);
        engine_.resumePaused();
        (*done)(std::move(status));
      });
}

// With the world held.
Status RdbDriver::install(Reload how, keyspace::Keyspace& loaded) {
  keyspace::Keyspace& live = engine_.keyspace();
  if (how.flush) {
    keyspace::reapTables(engine_.reaper(), live.replaceAll(loaded));
  } else {
    const auto common = how.merge ? std::nullopt : commonKey(live, loaded);
    if (common) {
      engine_.logger().warning("DEBUG RELOAD: the key '" + *common +
                               "' of the file is there already; nothing is loaded");
      return fail("Error trying to load the RDB dump, check server logs.");
    }
    merge(live, loaded);
  }
  engine_.dataReplaced();
  engine_.logger().warning("DB reloaded by DEBUG RELOAD");
  return {};
}

}  // namespace vigil::drivers
