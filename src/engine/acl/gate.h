// ACL and sessions: which user a session is, and what it may do. On the session's worker, except where marked.
//
// Who runs commands asks in this order, unless session.access.freeAt is the directory's generation:
//
//   upToDate()          no: the user is gone, the connection closes
//   mustAuthenticate()  yes: NOAUTH, if the command needs authentication
//   permits()           no: it has written an entry of ACL LOG; noPermission() is the reply
#pragma once

#include <string>
#include <string_view>

#include "command/context.h"
#include "engine/acl/acl_log.h"
#include "engine/acl/check.h"
#include "engine/acl/directory.h"

namespace vigil::command {
struct CommandEntry;
}

namespace vigil::engine {
class Engine;
struct BlockedCall;
struct Session;
}  // namespace vigil::engine

namespace vigil::engine::acl {

// A new client, or one that is as new (RESET): the user `default`, authenticated if that has no password.
void attachDefault(Engine& engine, Session& session);
// AUTH and HELLO. False: the password is wrong or the user disabled; the session stays what it was.
bool authenticate(command::Context& ctx, std::string_view user, std::string_view password);

// Looks up the session's user again if something changed.
bool upToDate(Engine& engine, Session& session);
bool mustAuthenticate(const Engine& engine, const Session& session);
Verdict permits(Engine& engine, Session& session, const command::CommandEntry& entry, command::Args args,
                DenialContext context);
// "NOPERM this user has …".
std::string noPermission(Denial denial, const command::CommandEntry& entry);
// The same for a queued command that was allowed when it was queued.
std::string noLongerPermitted(Denial denial);

// Whether a blocked call, whose keys the caller holds, may still be run for its client. If not, `reply` is what the
// client hears instead. Any thread.
bool mayServe(Engine& engine, const BlockedCall& call, command::Reply& reply);

// Whether the session may publish to, or subscribe to, this channel. Writes no entry of ACL LOG.
bool mayUseChannel(const Session& session, std::string_view channel, bool isPattern);

// Any thread. After a change of users: closes the connections of one that is gone, but for the session that made the
// change (0: none did).
void closeSessionsOf(Engine& engine, const UserChange& change, uint64_t except);
// The session that made the change: if its own user is gone it still gets its reply, then its connection closes.
void leaveIfGone(Engine& engine, Session& session);

}  // namespace vigil::engine::acl
