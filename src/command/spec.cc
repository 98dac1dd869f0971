#include "command/spec.h"

#include <algorithm>

#include "base/text.h"

namespace vigil::command {

namespace {

using Arguments = std::span<const std::string_view>;

enum class Found : uint8_t { kKeys, kNone, kInvalid };

// Where the search of one specification begins: the argument, or 0 where the keyword is not there, or -1.
int beginOf(const KeySpec& spec, Arguments args) {
  if (spec.begin == KeySpec::Begin::kIndex) return spec.index;
  if (spec.begin == KeySpec::Begin::kUnknown) return -1;
  const int argc = static_cast<int>(args.size());
  const int step = spec.index > 0 ? 1 : -1;
  const int end = spec.index > 0 ? argc - 1 : 1;
  for (int i = spec.index > 0 ? spec.index : argc + spec.index; i > 0 && i < argc && i != end; i += step) {
    if (equalsIgnoreCase(args[static_cast<size_t>(i)], spec.keyword)) return i + 1;
  }
  return 0;
}

Found findBySpec(const KeySpec& spec, Arguments args, std::vector<KeyPosition>& keys) {
  const int64_t argc = static_cast<int64_t>(args.size());
  int64_t first = beginOf(spec, args);
  if (first == 0) return Found::kNone;
  int64_t last = 0;
  if (first < 0 || first >= argc || spec.find == KeySpec::Find::kUnknown) return Found::kInvalid;
  if (spec.find == KeySpec::Find::kRange) {
    if (spec.last >= 0) {
      last = first + spec.last;
    } else {
      last = spec.limit <= 1 ? argc + spec.last : first + (argc - first) / spec.limit + spec.last;
    }
  } else {
    if (first + spec.last >= argc) return Found::kInvalid;
    const auto count = parseInt64(args[static_cast<size_t>(first + spec.last)]);
    if (!count || *count < 0 || *count > argc) return Found::kInvalid;
    first += spec.limit;
    last = first + (*count - 1) * spec.step;
  }
  if (last < first || last >= argc) return Found::kInvalid;
  for (int64_t i = first; i <= last; i += spec.step) keys.push_back({static_cast<int>(i), spec.flags});
  return (spec.flags & kKeyIncomplete) != 0 ? Found::kInvalid : Found::kKeys;
}

bool findBySpecs(std::span<const KeySpec> specs, Arguments args, std::vector<KeyPosition>& keys) {
  for (const KeySpec& spec : specs) {
    if ((spec.flags & kKeyNotKey) != 0) continue;
    if (findBySpec(spec, args, keys) == Found::kInvalid) return false;
  }
  return true;
}

bool flagsDependOnArguments(const KeySpec& spec) { return (spec.flags & kKeyVariableFlags) != 0; }

}  // namespace

uint32_t categoriesOf(const CommandSpec& spec) {
  uint32_t categories = spec.categories;
  if ((spec.flags & kWrite) != 0) categories |= kCatWrite;
  if ((spec.flags & kReadonly) != 0 && (categories & kCatScripting) == 0) categories |= kCatRead;
  if ((spec.flags & kAdmin) != 0) categories |= kCatAdmin | kCatDangerous;
  if ((spec.flags & kPubsub) != 0) categories |= kCatPubsub;
  if ((spec.flags & kFast) != 0) categories |= kCatFast;
  if ((spec.flags & kBlocking) != 0) categories |= kCatBlocking;
  return (categories & kCatFast) != 0 ? categories : categories | kCatSlow;
}

bool findKeys(const CommandSpec& spec, Arguments args, std::vector<KeyPosition>& keys) {
  keys.clear();
  const bool fixed = std::ranges::none_of(spec.keys, flagsDependOnArguments);
  if ((fixed || spec.findKeys == nullptr) && findBySpecs(spec.keys, args, keys)) {
    if (!spec.keys.empty() || spec.findKeys == nullptr) return true;
  }
  keys.clear();
  return spec.findKeys != nullptr && spec.findKeys(args, keys);
}

}  // namespace vigil::command
