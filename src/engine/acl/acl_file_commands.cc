#include "engine/acl/acl_file_commands.h"

#include "base/log_line.h"
#include "base/ports/executor.h"
#include "base/ports/files.h"
#include "engine/acl/acl_file.h"
#include "engine/acl/acl_options.h"
#include "engine/acl/gate.h"
#include "engine/deferred_reply.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine::acl {

namespace {

Engine& engineOf(command::Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

// False after an error reply.
bool hasFile(command::Context& ctx) {
  if (!engineOf(ctx).acl().options().file.load().empty()) return true;
  ctx.reply().error(
      "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
      "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
      "users in the Redis configuration.");
  return false;
}

// Any thread. `except`: the session that asks, which is told before it may have to go.
Status load(Engine& engine, uint64_t except) {
  const std::string path = engine.acl().options().file.load();
  auto text = readWholeFile(engine.system().files, path);
  if (!text) return fail(openingFailed(path, text.error()));
  auto changes = engine.acl().replaceFrom(*text, path);
  if (!changes) return std::unexpected(changes.error());
  for (const UserChange& change : *changes) closeSessionsOf(engine, change, except);
  return {};
}

void answerLoad(command::Reply& reply, const Status& loaded) {
  if (!loaded) return reply.error("ERR " + loaded.error().message);
  reply.ok();
}

Status save(Engine& engine) {
  return replaceFileDurably(engine.system().files, engine.acl().options().file.load(), engine.acl().fileText());
}

void answerSave(command::Reply& reply, Logger& logger, const Status& saved) {
  if (saved) return reply.ok();
  logger.warning("Writing ACL file for ACL SAVE: " + saved.error().message);
  reply.error("ERR There was an error trying to save the ACLs. Please check the server logs for more information");
}

}  // namespace

void loadUsers(command::Context& ctx) {
  if (!hasFile(ctx)) return;
  Engine& engine = engineOf(ctx);
  const uint64_t id = ctx.session().id;
  if (!DeferredReply::possible(ctx)) {
    answerLoad(ctx.reply(), load(engine, id));
    return leaveIfGone(engine, static_cast<Session&>(ctx.session()));
  }
  auto later = std::make_shared<DeferredReply>(ctx);
  Worker& worker = static_cast<Execution&>(ctx).worker();
  engine.system().tasks.submit([&engine, &worker, id, later] {
    auto loaded = load(engine, id);
    later->answer([&engine, &worker, id, loaded](command::Reply& reply) {
      answerLoad(reply, loaded);
      if (Connection* connection = worker.findConnection(id)) leaveIfGone(engine, connection->session());
    });
  });
}

void saveUsers(command::Context& ctx) {
  if (!hasFile(ctx)) return;
  Engine& engine = engineOf(ctx);
  if (!DeferredReply::possible(ctx)) return answerSave(ctx.reply(), engine.logger(), save(engine));
  auto later = std::make_shared<DeferredReply>(ctx);
  engine.system().tasks.submit([&engine, later] {
    auto saved = save(engine);
    later->answer([&engine, saved](command::Reply& reply) { answerSave(reply, engine.logger(), saved); });
  });
}

}  // namespace vigil::engine::acl
