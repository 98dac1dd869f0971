// The payload of DUMP and RESTORE: a value as an RDB file holds it, and a footer.
//
//   | type 1 | value | RDB version 2 | CRC-64 of all before it 8 |        both little endian
//
// The value is written by RdbWriter and read by RdbReader, with their option valueOnly. Pure functions, thread safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vigil::wire {

// Adds the footer to type and value.
void sealDumpPayload(std::string& payload);

// Type and value of a payload; nullopt if the version or the checksum in its footer is wrong.
std::optional<std::string_view> openDumpPayload(std::string_view payload, bool verifyChecksum = true);

}  // namespace vigil::wire
