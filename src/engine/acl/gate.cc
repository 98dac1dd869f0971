#include "engine/acl/gate.h"

#include "command/command_table.h"
#include "engine/acl/acl_options.h"
#include "engine/blocked_call.h"
#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine::acl {

namespace {

Session& sessionOf(command::Context& ctx) { return static_cast<Session&>(ctx.session()); }
Engine& engineOf(command::Context& ctx) { return static_cast<Execution&>(ctx).engine(); }

void become(Engine& engine, Session& session, UserPtr user, uint64_t generation) {
  session.access.user = std::move(user);
  session.access.generation = generation;
  const bool free = session.access.user->unrestricted() && !mustAuthenticate(engine, session);
  session.access.freeAt = free ? generation : 0;
}

void showUser(const Session& session) {
  session.info->change([&](ClientInfo::Names& names) { names.user = session.access.user->name; });
}

// `client`: null if it has gone.
void noteDenial(Engine& engine, const ClientInfo* client, LogEntry entry) {
  if (client) entry.client = describeClient(*client, engine.system().clock.mono());
  engine.acl().log().add(std::move(entry), engine.system().clock.wall() / 1000,
                         static_cast<size_t>(engine.acl().options().longestLog.load()));
}

DenialReason reasonOf(Denial denial) {
  if (denial == Denial::kKey) return DenialReason::kKey;
  return denial == Denial::kChannel ? DenialReason::kChannel : DenialReason::kCommand;
}

// Whether the session's user is still there; then it is up to date afterwards.
bool isUser(Engine& engine, Session& session) {
  if (!session.access.user) return true;
  const uint64_t generation = engine.acl().generation();
  UserPtr user = engine.acl().find(session.access.user->name);
  if (!user || user->id != session.access.user->id) return false;
  become(engine, session, std::move(user), generation);
  return true;
}

void becomeNobody(Engine& engine, Session& session) {
  attachDefault(engine, session);
  session.authenticated = false;
  session.access.freeAt = 0;
}

LogEntry entryOf(const Verdict& verdict, DenialContext context, const command::CommandEntry& entry, command::Args args,
                 const User& user) {
  return {.reason = reasonOf(verdict.denial),
          .context = context,
          .object = verdict.denial == Denial::kCommand ? entry.fullName : std::string(args[verdict.argument]),
          .user = user.name};
}

void closeIfOf(Worker& worker, const std::shared_ptr<ClientInfo>& client, uint64_t userId) {
  Connection* connection = worker.findConnection(client->id);
  if (!connection) return;
  const auto& user = connection->session().access.user;
  if (user && user->id == userId) {
    connection->close("its user was deleted");
  } else {
    client->killed.store(false, std::memory_order_relaxed);  // it has become another user meanwhile
    if (connection->session().suspended == Session::Suspended::kPutBack) connection->resume();
  }
}

}  // namespace

void attachDefault(Engine& engine, Session& session) {
  const uint64_t generation = engine.acl().generation();
  UserPtr user = engine.acl().defaultUser();
  session.authenticated = user->noPassword && user->enabled;
  become(engine, session, std::move(user), generation);
  showUser(session);
}

bool authenticate(command::Context& ctx, std::string_view name, std::string_view password) {
  Session& session = sessionOf(ctx);
  Engine& engine = engineOf(ctx);
  const uint64_t generation = engine.acl().generation();
  UserPtr user = engine.acl().find(name);
  if (!user || !user->accepts(password)) {
    if (session.connection) session.connection->publishInfo();
    const bool multi = static_cast<Execution&>(ctx).inTransaction();
    noteDenial(engine, session.info.get(),
               {.reason = DenialReason::kAuth,
                .context = multi ? DenialContext::kMulti : DenialContext::kTopLevel,
                .object = std::string(ctx.arg(0)),
                .user = std::string(name)});
    return false;
  }
  session.authenticated = true;
  become(engine, session, std::move(user), generation);
  showUser(session);
  return true;
}

bool upToDate(Engine& engine, Session& session) {
  if (session.access.generation == engine.acl().generation() || isUser(engine, session)) return true;
  becomeNobody(engine, session);
  if (session.connection) session.connection->close("its user was deleted");
  return false;
}

bool mustAuthenticate(const Engine& engine, const Session& session) {
  return !session.authenticated && !engine.acl().defaultIsOpen();
}

Verdict permits(Engine& engine, Session& session, const command::CommandEntry& entry, command::Args args,
                DenialContext context) {
  if (!session.access.user || session.access.user->unrestricted()) return {};
  std::vector<command::KeyPosition> scratch;
  const Verdict verdict = check(*session.access.user, entry, args, scratch);
  if (verdict.denial == Denial::kNone) return verdict;
  if (session.connection) session.connection->publishInfo();
  noteDenial(engine, session.info.get(), entryOf(verdict, context, entry, args, *session.access.user));
  return verdict;
}

std::string noPermission(Denial denial, const command::CommandEntry& entry) {
  switch (denial) {
    case Denial::kKey:
      return "NOPERM this user has no permissions to access one of the keys used as arguments";
    case Denial::kChannel:
      return "NOPERM this user has no permissions to access one of the channels used as arguments";
    default:
      return "NOPERM this user has no permissions to run the '" + entry.fullName + "' command";
  }
}

std::string noLongerPermitted(Denial denial) {
  std::string_view reason = "no permission to execute the command or subcommand";
  if (denial == Denial::kKey) reason = "no permission to touch the specified keys";
  if (denial == Denial::kChannel) {
    reason = "no permission to access one of the channels used as arguments to the command";
  }
  return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command "
         "is no longer allowed for the following reason: " +
         std::string(reason);
}

bool mayServe(Engine& engine, const BlockedCall& call, command::Reply& reply) {
  if (call.access.freeAt == engine.acl().generation() || !call.access.user) return true;
  const UserPtr user = engine.acl().find(call.access.user->name);
  Verdict verdict{Denial::kCommand};  // of a user who is gone; the connection is about to close
  if (user && user->id == call.access.user->id) {
    if (user->unrestricted()) return true;
    std::vector<command::KeyPosition> scratch;
    verdict = check(*user, *call.command, call.args, scratch);
    if (verdict.denial == Denial::kNone) return true;
    noteDenial(engine, engine.clients().find(call.session.id).get(),
               entryOf(verdict, DenialContext::kTopLevel, *call.command, call.args, *user));
  }
  reply.error(noPermission(verdict.denial, *call.command));
  return false;
}

bool mayUseChannel(const Session& session, std::string_view channel, bool isPattern) {
  return !session.access.user || allowsChannel(*session.access.user, channel, isPattern);
}

void closeSessionsOf(Engine& engine, const UserChange& change, uint64_t except) {
  if (!change.before || (change.after && change.after->id == change.before->id)) return;
  const uint64_t id = change.before->id;
  for (const auto& client : engine.clients().all()) {
    if (client->id == except || client->closer || client->names().user != change.before->name) continue;
    client->killed.store(true, std::memory_order_relaxed);
    client->worker->loop().post([client, id] { closeIfOf(*client->worker, client, id); });
  }
  engine.userGone(id);
}

void leaveIfGone(Engine& engine, Session& session) {
  if (isUser(engine, session)) return;
  becomeNobody(engine, session);
  session.closeAfterReply = true;
}

}  // namespace vigil::engine::acl
