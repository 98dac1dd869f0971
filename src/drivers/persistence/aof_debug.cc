// DEBUG LOADAOF and AOF-FLUSH-SLEEP.
//
// LOADAOF: what the files hold takes the place of the data set. No client's command runs meanwhile, but the threads go
// on.
//
//   pause, loading -> everything written -> the data set aside, load -> go on; after an error with what was set aside
#include <cstdlib>
#include <string>

#include "drivers/persistence/aof.h"
#include "drivers/persistence/rdb_driver.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "keyspace/keyspace.h"

namespace vigil::drivers {

namespace {

constexpr auto kPurpose = engine::Pause::Purpose::kReload;

constexpr std::string_view kLoadHelp[] = {
    "LOADAOF",
    "    Flush the AOF buffers on disk and reload the AOF in memory.",
};
constexpr std::string_view kSleepHelp[] = {
    "AOF-FLUSH-SLEEP <microsec>",
    "    Server will sleep before flushing the AOF, this is used for testing.",
};

}  // namespace

void Aof::addDebug() {
  engine_.debug().add({"LOADAOF", 0, 0, kLoadHelp, [this](command::Context& ctx) { loadCommand(ctx); }});
  engine_.debug().add({"AOF-FLUSH-SLEEP", 1, 1, kSleepHelp, [this](command::Context& ctx) {
                         options_.flushSleepUs.store(std::max<int64_t>(0, std::atoll(std::string(ctx.arg(2)).c_str())));
                         ctx.reply().ok();
                       }});
}

void Aof::loadCommand(command::Context& ctx) {
  // Its master's stream knows no pause: what came between writing and loading would be lost.
  if (engine_.state().replica.load()) return ctx.reply().error("ERR DEBUG LOADAOF is not possible on a replica");
  if (!engine::DeferredReply::possible(ctx))
    return ctx.reply().error("ERR DEBUG LOADAOF cannot be part of a transaction");
  reload([later = std::make_shared<engine::DeferredReply>(ctx)](Status status) {
    later->answer([status = std::move(status)](command::Reply& reply) {
      if (status) return reply.ok();
      reply.error("ERR " + status.error().message);
    });
  });
}

void Aof::reload(Done done) {
  auto shared = std::make_shared<Done>(std::move(done));
  {
    MutexLock lock(mutex_);
    if (!writer_.isOpen() || unlisted_)
      return (*shared)(fail("DEBUG LOADAOF needs an append only file that is complete"));
    if (rewrite_) return (*shared)(fail("DEBUG LOADAOF is not possible while the append only file is rewritten"));
  }
  engine_.pause().set(kPurpose, engine::Pause::Kind::kAll, INT64_MAX);
  engine_.state().loading.store(true);  // nothing begins a rewrite either
  executor_->submit([this, shared] { reloadFiles(shared); });
}

void Aof::reloadFiles(std::shared_ptr<Done> done) {
  if (!writer_.flush()) return endReload(nullptr, done, fail("Error trying to write the AOF, check server logs."));
  auto before = std::make_shared<keyspace::Keyspace>(engine_.keyspace().options());
  engine_.withWorld([this, before, done] {
    before->replaceAll(engine_.keyspace());
    executor_->submit([this, before, done] {
      auto loader = std::make_shared<AofLoader>(engine_, directory_, options_, rdb_, *executor_);
      loader->load([this, before, done](Result<AofLoadOutcome> outcome) {
        if (outcome) return endReload(before, done, {});
        engine_.logger().warning("DEBUG LOADAOF: " + outcome.error().message);
        endReload(before, done, fail("Error trying to load the AOF files, check server logs."));
      });
    });
  });
}

void Aof::endReload(std::shared_ptr<keyspace::Keyspace> before, std::shared_ptr<Done> done, Status status) {
  engine_.withWorld([this, before = std::move(before), done = std::move(done), status = std::move(status)]() mutable {
    if (before != nullptr && !status) {
      keyspace::reapTables(engine_.reaper(), engine_.keyspace().replaceAll(*before));
    } else if (before != nullptr) {
      keyspace::Keyspace empty(engine_.keyspace().options());
      keyspace::reapTables(engine_.reaper(), before->replaceAll(empty));
    }
    engine_.dataReplaced();
    engine_.state().loading.store(false);
    engine_.pause().clear(kPurpose);
    engine_.resumePaused();
    (*done)(std::move(status));
  });
}

}  // namespace vigil::drivers
