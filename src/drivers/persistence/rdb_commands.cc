// SAVE, BGSAVE, LASTSAVE.
#include "command/args.h"
#include "command/context.h"
#include "command/spec.h"
#include "drivers/persistence/rdb_driver.h"
#include "engine/connection.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::drivers {

namespace {

using command::ArgCursor;
using command::CommandSpec;
using command::Context;

// The reply of a command whose client has waited; on the client's worker.
void answer(engine::Worker& worker, uint64_t sessionId, const Status& status) {
  engine::Connection* connection = worker.findConnection(sessionId);
  if (connection == nullptr) return;
  engine::Session& session = connection->session();
  if (session.suspended != engine::Session::Suspended::kWaiting) return;
  if (session.replyMode == engine::ReplyMode::kOn) {
    if (status) {
      session.reply.ok();
    } else {
      session.reply.error("ERR " + status.error().message);
    }
  }
  worker.queueFlush(*connection);
  worker.resume(session);
}

void save(Context& context) {
  auto& worker = static_cast<engine::Execution&>(context).worker();
  auto& session = static_cast<engine::Session&>(context.session());
  auto started =
      context.owner<RdbDriver>().saveHere(RdbDriver::Kind::kWaitedFor, [&worker, id = session.id](Status status) {
        worker.loop().post([&worker, id, status = std::move(status)] { answer(worker, id, status); });
      });
  if (!started) return context.reply().error("ERR " + started.error().message);
  session.suspended = engine::Session::Suspended::kWaiting;
}

void bgsave(Context& context) {
  ArgCursor args(context, 1);
  const bool schedule = args.take("SCHEDULE");
  if (!args.finish()) return;
  auto& driver = context.owner<RdbDriver>();
  if (driver.status().saveInProgress) return context.reply().error("ERR Background save already in progress");
  if (static_cast<engine::Execution&>(context).inTransaction()) {
    driver.schedule();
    return context.reply().simple("Background saving scheduled");
  }
  if (auto started = driver.saveHere(RdbDriver::Kind::kBackground, nullptr); !started) {
    if (!schedule) return context.reply().error("ERR " + started.error().message);
    driver.schedule();
    return context.reply().simple("Background saving scheduled");
  }
  context.reply().simple("Background saving started");
}

void lastSave(Context& context) { context.reply().integer(context.owner<RdbDriver>().lastSave()); }

constexpr std::string_view kBgsaveHistory[] = {"3.2.2|Added the `SCHEDULE` option."};
constexpr std::string_view kLastsaveTips[] = {"nondeterministic_output"};

constexpr CommandSpec kCommands[] = {
    {.name = "save",
     .arity = 1,
     .flags =
         command::kAdmin | command::kNoscript | command::kNoAsyncLoading | command::kNoMulti | command::kWholeKeyspace,
     .handler = save,
     .group = "server",
     .since = "1.0.0",
     .summary = "Synchronously save the dataset to disk",
     .complexity = "O(N) where N is the total number of keys in all databases"},
    {.name = "bgsave",
     .arity = -1,
     .flags = command::kAdmin | command::kNoscript | command::kNoAsyncLoading | command::kWholeKeyspace,
     .handler = bgsave,
     .group = "server",
     .since = "1.0.0",
     .summary = "Asynchronously save the dataset to disk",
     .complexity = "O(1)",
     .history = kBgsaveHistory,
     .arguments = "[SCHEDULE@3.2.2]"},
    {.name = "lastsave",
     .arity = 1,
     .flags = command::kLoading | command::kStale | command::kFast | command::kNoLocks,
     .categories = command::kCatAdmin | command::kCatDangerous,
     .handler = lastSave,
     .group = "server",
     .since = "1.0.0",
     .summary = "Get the UNIX time stamp of the last successful save to disk",
     .complexity = "O(1)",
     .tips = kLastsaveTips},
};

}  // namespace

std::span<const CommandSpec> rdbCommands() { return kCommands; }

void RdbDriver::registerCommands() {
  engine_.addCommands(rdbCommands(), this);
  engine_.info().add("persistence", "rdb", [this](engine::InfoWriter& out) { writeInfo(out); });
  engine_.info().add("persistence", "rdb-loading", [this](engine::InfoWriter& out) { writeLoadingInfo(out); });
  addReload();
  engine_.shutdown().add(
      {.stage = engine::Shutdown::Stage::kSnapshot,
       .start = [this](const engine::Shutdown::Request& request, Done done) { shutDown(request, std::move(done)); }});
}

}  // namespace vigil::drivers
