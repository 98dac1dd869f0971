#include "base/config_types.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace vigil {

namespace {

// A type whose one line is "name value", forced when the value is not the default.
class SingleLineType : public OptionType {
 public:
  std::vector<RewriteLine> lines(const std::string& name) const override {
    return {{name + " " + lineText(), !isDefault()}};
  }

 protected:
  virtual std::string lineText() const { return get(); }
  virtual bool isDefault() const = 0;
};

class BoolType final : public SingleLineType {
 public:
  explicit BoolType(ValueHooks<bool> value) : value_(std::move(value)), default_(value_.get()) {}

  std::string get() const override { return value_.get() ? "yes" : "no"; }
  Result<bool> set(std::span<const std::string> words, ConfigPhase) override {
    bool yes = equalsIgnoreCase(words[0], "yes");
    if (!yes && !equalsIgnoreCase(words[0], "no")) return fail("argument must be 'yes' or 'no'");
    return value_.get() != yes && (value_.set(yes), true);
  }
  std::string describe() const override { return "yes or no"; }

 private:
  bool isDefault() const override { return value_.get() == default_; }

  ValueHooks<bool> value_;
  bool default_;
};

std::string toOctal(int64_t value) {
  char digits[24];
  auto end = std::to_chars(digits, digits + sizeof(digits), value, 8).ptr;
  return std::string(digits, end);
}

class IntegerType final : public SingleLineType {
 public:
  IntegerType(ValueHooks<int64_t> value, IntegerRange range)
      : value_(std::move(value)), range_(range), default_(value_.get()) {}

  std::string get() const override { return shown(value_.get()); }

  Result<bool> set(std::span<const std::string> words, ConfigPhase) override {
    auto parsed = parse(words[0]);
    if (!parsed) return std::unexpected(parsed.error());
    if (auto inRange = checkRange(*parsed); !inRange) return std::unexpected(inRange.error());
    return value_.get() != *parsed && (value_.set(*parsed), true);
  }

  std::string describe() const override {
    std::string text = range_.form == IntegerForm::kMemory            ? "memory size"
                       : range_.form == IntegerForm::kPercentOrMemory ? "memory size or percentage"
                       : range_.form == IntegerForm::kOctal           ? "octal number"
                                                                      : "integer";
    if (range_.form == IntegerForm::kPercentOrMemory) return text;
    if (range_.max == std::numeric_limits<int64_t>::max()) {
      return range_.min == 0 ? text : text + ", at least " + shown(range_.min);
    }
    return text + ", " + shown(range_.min) + " to " + shown(range_.max);
  }

 private:
  bool isMemory() const { return range_.form == IntegerForm::kMemory || range_.form == IntegerForm::kPercentOrMemory; }
  bool isDefault() const override { return value_.get() == default_; }

  std::string shown(int64_t value) const {
    if (range_.form == IntegerForm::kOctal) return toOctal(value);
    if (range_.form == IntegerForm::kPercentOrMemory && value < 0) return std::to_string(-value) + "%";
    return std::to_string(value);
  }

  std::string lineText() const override {
    int64_t value = value_.get();
    return isMemory() && value >= 0 ? formatMemorySize(static_cast<uint64_t>(value)) : shown(value);
  }

  Result<int64_t> parse(const std::string& word) const {
    switch (range_.form) {
      case IntegerForm::kDecimal:
        if (auto value = parseInt64(word)) return *value;
        return fail("argument couldn't be parsed into an integer");
      case IntegerForm::kOctal:
        return parseOctal(word);
      case IntegerForm::kPercentOrMemory:
        if (word.size() > 1 && word.ends_with('%')) {
          if (auto value = parseInt64(std::string_view(word).substr(0, word.size() - 1)); value && *value >= 0) {
            return *value > 100 ? fail("percentage argument must be less or equal to 100") : Result<int64_t>(-*value);
          }
        }
        return parseMemory(word, "argument must be a memory or percent value");
      case IntegerForm::kMemory:
        return parseMemory(word, "argument must be a memory value");
    }
    std::unreachable();
  }

  static Result<int64_t> parseOctal(const std::string& word) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 8);
    if (end != word.data() + word.size() || (error != std::errc() && !word.empty())) {
      return fail("argument couldn't be parsed as an octal number");
    }
    return value;
  }

  Result<int64_t> parseMemory(const std::string& word, const char* problem) const {
    auto value = word.empty() ? 0 : parseMemorySize(word);  // Redis reads the empty text as 0
    if (!value) return fail(problem);
    if (*value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return outOfRange();
    return static_cast<int64_t>(*value);
  }

  Status checkRange(int64_t value) const {
    if (range_.form == IntegerForm::kPercentOrMemory && value < 0) return {};
    if (value < range_.min || value > range_.max) return outOfRange();
    return {};
  }

  std::unexpected<Error> outOfRange() const {
    return fail("argument must be between " + shown(range_.min) + " and " + shown(range_.max) + " inclusive");
  }

  ValueHooks<int64_t> value_;
  IntegerRange range_;
  int64_t default_;
};

std::string joinNames(const std::vector<EnumName>& names) {
  std::string all;
  for (const EnumName& name : names) {
    if (!all.empty()) all += ", ";
    all += name.name;
  }
  return all;
}

class EnumType final : public SingleLineType {
 public:
  EnumType(ValueHooks<int> value, std::vector<EnumName> names)
      : value_(std::move(value)), names_(std::move(names)), default_(value_.get()) {}

  std::string get() const override {
    auto found = std::ranges::find(names_, value_.get(), &EnumName::value);
    return found != names_.end() ? found->name : "unknown";
  }
  Result<bool> set(std::span<const std::string> words, ConfigPhase) override {
    for (const EnumName& name : names_) {
      if (equalsIgnoreCase(words[0], name.name)) return value_.get() != name.value && (value_.set(name.value), true);
    }
    return fail("argument(s) must be one of the following: " + joinNames(names_));
  }
  std::string describe() const override { return "one of " + joinNames(names_); }

 private:
  bool isDefault() const override { return value_.get() == default_; }

  ValueHooks<int> value_;
  std::vector<EnumName> names_;
  int default_;
};

class FlagsType final : public SingleLineType {
 public:
  FlagsType(ValueHooks<int> value, std::vector<EnumName> names, std::function<Status(int)> validate)
      : value_(std::move(value)), names_(std::move(names)), validate_(std::move(validate)), default_(value_.get()) {}

  std::string get() const override {
    std::string text;
    for (const EnumName& name : names_) {
      if (name.value == 0 || (value_.get() & name.value) != name.value) continue;
      text += text.empty() ? "" : " ";
      text += name.name;
    }
    return text.empty() ? names_[0].name : text;
  }
  Result<bool> set(std::span<const std::string> words, ConfigPhase) override {
    int flags = 0;
    if (words.empty()) return fail("argument(s) must be one of the following: " + joinNames(names_));
    for (const std::string& word : words) {
      auto found = std::ranges::find_if(names_, [&](const EnumName& n) { return equalsIgnoreCase(word, n.name); });
      if (found == names_.end()) return fail("argument(s) must be one of the following: " + joinNames(names_));
      flags |= found->value;
    }
    if (validate_) {
      if (auto valid = validate_(flags); !valid) return std::unexpected(valid.error());
    }
    return value_.get() != flags && (value_.set(flags), true);
  }
  bool takesSeveralWords() const override { return true; }
  std::string describe() const override { return "any of " + joinNames(names_); }

 private:
  bool isDefault() const override { return value_.get() == default_; }

  ValueHooks<int> value_;
  std::vector<EnumName> names_;
  std::function<Status(int)> validate_;
  int default_;
};

class StringType final : public SingleLineType {
 public:
  StringType(SharedString& value, std::function<Status(const std::string&)> validate, EmptyText empty)
      : value_(value), validate_(std::move(validate)), empty_(empty), default_(value_.load()) {}

  std::string get() const override { return value_.load(); }
  Result<bool> set(std::span<const std::string> words, ConfigPhase) override {
    if (validate_) {
      if (auto valid = validate_(words[0]); !valid) return std::unexpected(valid.error());
    }
    return value_.load() != words[0] && (value_.store(words[0]), true);
  }
  std::vector<RewriteLine> lines(const std::string& name) const override {
    if (empty_ == EmptyText::kUnset && default_.empty() && value_.load().empty()) return {};
    return SingleLineType::lines(name);
  }
  std::string describe() const override { return "text"; }

 private:
  std::string lineText() const override { return quoteArgument(value_.load()); }
  bool isDefault() const override { return value_.load() == default_; }

  SharedString& value_;
  std::function<Status(const std::string&)> validate_;
  EmptyText empty_;
  std::string default_;
};

class SpecialType final : public OptionType {
 public:
  explicit SpecialType(SpecialHooks hooks) : hooks_(std::move(hooks)) {}

  std::string get() const override { return hooks_.get(); }
  Result<bool> set(std::span<const std::string> words, ConfigPhase phase) override {
    std::string before = hooks_.get();
    if (auto done = hooks_.set(words, phase); !done) return std::unexpected(done.error());
    return hooks_.get() != before;
  }
  std::vector<RewriteLine> lines(const std::string& name) const override {
    return hooks_.lines ? hooks_.lines(name) : std::vector<RewriteLine>();
  }
  bool takesSeveralWords() const override { return hooks_.severalWords; }
  std::string describe() const override { return hooks_.description; }

 private:
  SpecialHooks hooks_;
};

}  // namespace

OptionTypePtr boolOption(ValueHooks<bool> value) { return std::make_unique<BoolType>(std::move(value)); }

OptionTypePtr integerOption(ValueHooks<int64_t> value, IntegerRange range) {
  return std::make_unique<IntegerType>(std::move(value), range);
}

OptionTypePtr enumOption(ValueHooks<int> value, std::vector<EnumName> names) {
  return std::make_unique<EnumType>(std::move(value), std::move(names));
}

OptionTypePtr flagsOption(ValueHooks<int> value, std::vector<EnumName> names, std::function<Status(int)> validate) {
  return std::make_unique<FlagsType>(std::move(value), std::move(names), std::move(validate));
}

OptionTypePtr stringOption(SharedString& value, std::function<Status(const std::string&)> validate, EmptyText empty) {
  return std::make_unique<StringType>(value, std::move(validate), empty);
}

OptionTypePtr specialOption(SpecialHooks hooks) { return std::make_unique<SpecialType>(std::move(hooks)); }

}  // namespace vigil
