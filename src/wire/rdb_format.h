// The constants of Redis's RDB format, versions 1 to 11. Source: the format as documented at
// rdb.fnordig.de and Redis's own files.
//
//   "REDIS" version(4 digits) { aux | function | SELECTDB [RESIZEDB] { [expiry] [idle|freq] type key value } } EOF
//   crc64
//
//   length:  00xxxxxx            6 bits            10000000 + 4 bytes, big endian
//            01xxxxxx xxxxxxxx   14 bits           10000001 + 8 bytes, big endian
//            11xxxxxx            no length but a string of a special encoding: 0, 1, 2 an integer of 1, 2, 4 bytes,
//                                little endian; 3 compressed: length, length of the original, LZF bytes
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vigil::wire {

inline constexpr int kRdbVersionWritten = 10;  // what redis-server 7.0 writes and can read
inline constexpr int kRdbVersionMax = 11;
inline constexpr std::string_view kRdbMagic = "REDIS";

enum class RdbOpcode : uint8_t {
  kFunction2 = 245,
  kFunctionPreGa = 246,
  kModuleAux = 247,
  kIdle = 248,
  kFreq = 249,
  kAux = 250,
  kResizeDb = 251,
  kExpireTimeMs = 252,
  kExpireTime = 253,
  kSelectDb = 254,
  kEof = 255,
};

// The types of values that a file may hold, as TYPE names them.
enum class RdbValueType : uint8_t { kString, kList, kSet, kZset, kHash, kStream, kModule };

// A key as an RDB file describes it.
struct RdbKey {
  std::string_view key{};
  RdbValueType type = RdbValueType::kString;
  std::optional<int64_t> expireAt{};      // milliseconds since 1970
  std::optional<uint64_t> idleSeconds{};  // where the writer evicted by LRU
  std::optional<uint8_t> frequency{};     // where the writer evicted by LFU
  uint64_t sizeHint = 0;                  // elements or nodes of the collection, about
};

const char* rdbValueTypeName(RdbValueType type);

// The name of a module's type from its id: nine characters of six bits each, and a version in the last ten.
std::string rdbModuleTypeName(uint64_t id);

}  // namespace vigil::wire
