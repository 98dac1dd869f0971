#include "wire/rdb_format.h"

namespace vigil::wire {

const char* rdbValueTypeName(RdbValueType type) {
  switch (type) {
    case RdbValueType::kString:
      return "string";
    case RdbValueType::kList:
      return "list";
    case RdbValueType::kSet:
      return "set";
    case RdbValueType::kZset:
      return "zset";
    case RdbValueType::kHash:
      return "hash";
    case RdbValueType::kStream:
      return "stream";
    case RdbValueType::kModule:
      return "module";
  }
  return "";
}

std::string rdbModuleTypeName(uint64_t id) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name(9, ' ');
  id >>= 10;
  for (size_t i = name.size(); i-- > 0; id >>= 6) name[i] = kLetters[id & 63];
  return name;
}

}  // namespace vigil::wire
