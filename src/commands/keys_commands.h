// The rows of the generic key commands, for the command table. Their owner is a KeyOptions.
#pragma once

#include <span>

#include "command/spec.h"

namespace vigil::keyspace {
class Entry;
}

namespace vigil::commands {

std::span<const command::CommandSpec> keyExistenceCommands();  // DEL UNLINK EXISTS TOUCH TYPE
std::span<const command::CommandSpec> keyMoveCommands();       // RENAME RENAMENX MOVE COPY
std::span<const command::CommandSpec> keyExpireCommands();     // EXPIRE PEXPIRE EXPIREAT PEXPIREAT
std::span<const command::CommandSpec> keyTtlCommands();        // TTL PTTL EXPIRETIME PEXPIRETIME PERSIST
std::span<const command::CommandSpec> keyScanCommands();       // SCAN KEYS RANDOMKEY DBSIZE
std::span<const command::CommandSpec> keyObjectCommands();     // OBJECT
std::span<const command::CommandSpec> keyDumpCommands();       // DUMP RESTORE RESTORE-ASKING: their owner is a DumpOptions
std::span<const command::CommandSpec> databaseCommands();      // FLUSHDB FLUSHALL SWAPDB

// What OBJECT ENCODING and OBJECT REFCOUNT say: the names and numbers that redis-server 7.2 gives; ours come from what
// a value would be there.
std::string_view encodingName(const keyspace::Entry& entry);
int64_t shownReferences(const keyspace::Entry& entry);

}  // namespace vigil::commands
