#include "wire/dump_payload.h"

#include <cstdint>

#include "base/crc64.h"
#include "wire/rdb_format.h"

namespace vigil::wire {

namespace {

constexpr size_t kVersionSize = 2;
constexpr size_t kChecksumSize = 8;

void appendLittle(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

uint64_t readLittle(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace

void sealDumpPayload(std::string& payload) {
  appendLittle(payload, kRdbVersionWritten, kVersionSize);
  appendLittle(payload, crc64(payload), kChecksumSize);
}

std::optional<std::string_view> openDumpPayload(std::string_view payload, bool verifyChecksum) {
  if (payload.size() < kVersionSize + kChecksumSize) return std::nullopt;
  const std::string_view covered = payload.substr(0, payload.size() - kChecksumSize);
  const std::string_view value = covered.substr(0, covered.size() - kVersionSize);
  if (readLittle(covered.substr(value.size())) > kRdbVersionMax) return std::nullopt;
  if (verifyChecksum && readLittle(payload.substr(covered.size())) != crc64(covered)) return std::nullopt;
  return value;
}

}  // namespace vigil::wire
