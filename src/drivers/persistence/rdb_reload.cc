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
#include "keyspace/keyspace.h"

namespace vigil::drivers {

namespace {

constexpr auto kPurpose = engine::Pause::Purpose::kReload;

constexpr std::string_view kHelp[] = {
    "RELOAD [NOSAVE]",
    "    Save the RDB on disk and reload it back to memory. With NOSAVE the file is",
    "    loaded as it is.",
};

}  // namespace

void RdbDriver::addReload() {
  engine_.debug().add({"RELOAD", 0, 1, kHelp, [this](command::Context& ctx) {
    command::ArgCursor args(ctx, 2);
    const bool save = !args.take("NOSAVE");
    if (!args.done()) return ctx.reply().error("ERR DEBUG RELOAD only supports the NOSAVE option.");
    // Its master's stream knows no pause: what came between saving and loading would be lost.
    if (engine_.state().replica.load()) return ctx.reply().error("ERR DEBUG RELOAD is not possible on a replica");
    if (!engine::DeferredReply::possible(ctx)) return ctx.reply().error("ERR DEBUG RELOAD cannot be part of a transaction");
    reload(save, [later = std::make_shared<engine::DeferredReply>(ctx)](Status status) {
      later->answer([status = std::move(status)](command::Reply& reply) {
        if (status) return reply.ok();
        reply.error("ERR " + status.error().message);
      });
    });
  }});
}

// With the world held.
void RdbDriver::reload(bool save, Done done) {
  engine_.pause().set(kPurpose, engine::Pause::Kind::kAll, INT64_MAX);
  auto shared = std::make_shared<Done>(std::move(done));
  auto load = [this, shared] { loadAgain(shared); };
  if (!save) return executor_->submit(load);
  cancelBackground();
  // The cancelled save ends on the executor, and this one begins only then: the data set cannot change until it does.
  executor_->submit([this, shared, load] {
    auto saved = [this, shared, load](Status status) {
      if (status) return load();
      endReload(nullptr, shared, fail("Error trying to save the DB, check server logs."));
    };
    if (auto started = this->save(Kind::kWaitedFor, saved); !started) saved(std::move(started));
  });
}

// On the executor.
void RdbDriver::loadAgain(const std::shared_ptr<Done>& done) {
  const std::string path = options_.fileName.load();
  auto loaded = std::make_shared<keyspace::Keyspace>(engine_.keyspace().options());
  auto refuse = [&](const std::string& why) {
    engine_.logger().warning("DEBUG RELOAD: " + path + ": " + why);
    endReload(nullptr, done, fail("Error trying to load the RDB dump, check server logs."));
  };
  auto file = engine_.system().files.open(path, FileSystem::Open::kRead);
  if (!file) return refuse(file.error().message);
  persistence::RdbLoader loader(*loaded, loadOptions((*file)->size().value_or(0)));
  if (auto end = persistence::loadRdbFile(loader, **file, [](uint64_t) {}); !end) return refuse(end.error().message);
  logLoaded(loader);
  endReload(std::move(loaded), done, {});
}

void RdbDriver::endReload(std::shared_ptr<keyspace::Keyspace> loaded, std::shared_ptr<Done> done, Status status) {
  engine_.withWorld([this, loaded = std::move(loaded), done = std::move(done), status = std::move(status)]() mutable {
    if (loaded != nullptr) {
      keyspace::reapTables(engine_.reaper(), engine_.keyspace().replaceAll(*loaded));
      engine_.dataReplaced();
      engine_.logger().warning("DB reloaded by DEBUG RELOAD");
    }
    engine_.pause().clear(kPurpose);
    engine_.resumePaused();
    (*done)(std::move(status));
  });
}

}  // namespace vigil::drivers
