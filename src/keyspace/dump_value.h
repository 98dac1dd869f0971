// Values as payloads of DUMP, and back. Pure functions, thread safe.
#pragma once

#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "base/result.h"
#include "ds/chunked_list.h"

namespace vigil::keyspace {

class Entry;

// The whole payload, with its footer.
std::string dumpValue(const Entry& entry, bool compress);

// An entry, which the caller owns, from the type and value of a payload (see wire::openDumpPayload()): hostile bytes are
// an error, whose text is for the client. What follows the value is ignored, as in Redis.
Result<Entry*> restoreValue(std::string_view value, std::string_view key, UnixMs expireAt, ds::ChunkLimit lists);

}  // namespace vigil::keyspace
