// The types that a configuration option can have: how its words are read, shown and rewritten, and what is said of
// words that are none of its values (Redis's texts).
//
// The value itself lives with its owner, in an atomic, a SharedString or behind hooks; what it holds when the type is
// made is the option's default. The functions make such a type for a row of the ConfigRegistry (config.h). set() is
// called by one thread at a time; get() by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/config_rewrite.h"
#include "base/result.h"
#include "base/shared_value.h"

namespace vigil {

// Start: a line of the file or the command line, of which several may add up. Running: CONFIG SET, which replaces.
// kAfterInclude: still at start, but behind the end of an included file. Redis takes that for the end of all reading, and
// lines that would add to those before them replace them instead.
enum class ConfigPhase { kStart, kAfterInclude, kRunning };

class OptionType {
 public:
  virtual ~OptionType() = default;
  virtual std::string get() const = 0;  // as CONFIG GET shows it
  // Checks and stores. true: the value is another one now. An error leaves the old value or is followed by a set() of
  // it; its text says what is wrong.
  virtual Result<bool> set(std::span<const std::string> words, ConfigPhase phase) = 0;
  virtual std::vector<RewriteLine> lines(const std::string& name) const = 0;
  virtual bool takesSeveralWords() const { return false; }
  virtual std::string describe() const = 0;  // for the documentation: "yes or no", "0 to 65535"
};

using OptionTypePtr = std::unique_ptr<OptionType>;

struct EnumName {
  std::string name;
  int value = 0;
};

enum class IntegerForm { kDecimal, kOctal, kMemory, kPercentOrMemory };

struct IntegerRange {
  int64_t min = 0;
  int64_t max = std::numeric_limits<int64_t>::max();
  IntegerForm form = IntegerForm::kDecimal;
};

// Where an integer or enum lives.
template <typename T>
struct ValueHooks {
  std::function<T()> get;
  std::function<void(T)> set;
};

OptionTypePtr boolOption(ValueHooks<bool> value);
// With kPercentOrMemory a percentage is stored as a negative number, 1 to 100 percent as -1 to -100.
OptionTypePtr integerOption(ValueHooks<int64_t> value, IntegerRange range);
OptionTypePtr enumOption(ValueHooks<int> value, std::vector<EnumName> names);
// Several names, whose values are or-ed; the first name has the value 0 and stands for none of them.
OptionTypePtr flagsOption(ValueHooks<int> value, std::vector<EnumName> names,
                          std::function<Status(int)> validate = nullptr);
// What an empty text says: that there is none, or it is a value like others. CONFIG REWRITE, as Redis's, drops the line of
// an option that is unset, and was at start.
enum class EmptyText : uint8_t { kUnset, kValue };
OptionTypePtr stringOption(SharedString& value, std::function<Status(const std::string&)> validate = nullptr,
                           EmptyText empty = EmptyText::kUnset);

// Everything else. Without `lines` the option is never written by CONFIG REWRITE.
struct SpecialHooks {
  std::function<std::string()> get = {};
  std::function<Status(std::span<const std::string> words, ConfigPhase phase)> set = {};
  std::function<std::vector<RewriteLine>(const std::string& name)> lines = {};
  std::string description = {};
  bool severalWords = true;
};
OptionTypePtr specialOption(SpecialHooks hooks);

// The same over the owner's own atomics.
inline OptionTypePtr boolOption(std::atomic<bool>& value) {
  return boolOption({[&value] { return value.load(); }, [&value](bool v) { value.store(v); }});
}
template <typename T>
OptionTypePtr integerOption(std::atomic<T>& value, IntegerRange range) {
  return integerOption({[&value] { return static_cast<int64_t>(value.load()); },
                        [&value](int64_t v) { value.store(static_cast<T>(v)); }},
                       range);
}
template <typename T>
OptionTypePtr memoryOption(std::atomic<T>& value, int64_t min = 0, int64_t max = std::numeric_limits<int64_t>::max()) {
  return integerOption(value, {.min = min, .max = max, .form = IntegerForm::kMemory});
}
template <typename E>
requires std::is_enum_v<E> || std::is_same_v<E, int> OptionTypePtr enumOption(std::atomic<E>& value,
                                                                              std::vector<EnumName> names) {
  return enumOption(
      {[&value] { return static_cast<int>(value.load()); }, [&value](int v) { value.store(static_cast<E>(v)); }},
      std::move(names));
}

}  // namespace vigil
