// Payloads of RESTORE, their footer aside (no fuzzer finds a checksum): whatever is accepted is a value that can be
// dumped and restored again, to the same value.
#include "pieces.h"

#include "keyspace/dump_value.h"
#include "keyspace/entry.h"
#include "wire/dump_payload.h"

namespace {

using vigil::keyspace::Entry;

Entry* restore(std::string_view value) {
  const auto entry = vigil::keyspace::restoreValue(value, "key", 0, {});
  return entry ? *entry : nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  vigil::wire::openDumpPayload(input);
  Entry* first = restore(input);
  if (first == nullptr) return 0;
  const std::string dumped = vigil::keyspace::dumpValue(*first, (size & 1) != 0);
  const auto value = vigil::wire::openDumpPayload(dumped);
  if (!value) __builtin_trap();
  Entry* second = restore(*value);
  if (second == nullptr) __builtin_trap();
  vigil::fuzz::expectSame(vigil::keyspace::dumpValue(*first, false), vigil::keyspace::dumpValue(*second, false));
  Entry::free(first);
  Entry::free(second);
  return 0;
}
