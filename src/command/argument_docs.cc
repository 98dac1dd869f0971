#include "command/argument_docs.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace vigil::command {

namespace {

constexpr std::array<std::string_view, 7> kTypes = {"string",  "integer",   "double",    "key",
                                                    "pattern", "unix-time", "pure-token"};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // Arguments with a separator between them, up to `end` (0: the end of the text).
  bool list(std::vector<ArgumentDoc>& out, char separator, char end) {
    do {
      ArgumentDoc argument;
      if (!one(argument)) return false;
      out.push_back(std::move(argument));
    } while (take(separator));
    return end == 0 ? at_ == text_.size() : take(end);
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  static bool isWordChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }
  std::string_view word() {
    const size_t start = at_;
    while (at_ < text_.size() && isWordChar(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  // What stands before the next quote, which is taken too; nothing if there is none.
  std::string_view quoted() {
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) return {};
    const std::string_view text = text_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  bool one(ArgumentDoc& argument) {
    argument.optional = take('[');
    return item(argument) && (!argument.optional || take(']'));
  }

  bool item(ArgumentDoc& argument) {
    const std::string_view name = take('\'') ? quoted() : word();
    if (name.empty()) return false;
    argument.name = toLower(name);
    const bool isToken = argument.name != name;
    argument.type = isToken ? "pure-token" : name == "key" ? "key" : "string";
    if (isToken) argument.token = name;
    if (take(':') && !kind(argument)) return false;
    if (argument.type == "key") argument.keySpec = 0;
    return keySpec(argument) && token(argument) && version('@', argument.since) &&
           version('!', argument.deprecatedSince) && repetition(argument);
  }

  bool kind(ArgumentDoc& argument) {
    if (take('(')) {
      argument.type = "oneof";
      return list(argument.arguments, '|', ')');
    }
    if (take('<')) {
      argument.type = "block";
      return list(argument.arguments, ' ', '>');
    }
    argument.type = word();
    return std::ranges::find(kTypes, argument.type) != kTypes.end();
  }

  bool keySpec(ArgumentDoc& argument) {
    if (!take('#')) return true;
    const auto index = parseInt64(word());
    if (index) argument.keySpec = static_cast<int>(*index);
    return index.has_value();
  }

  bool token(ArgumentDoc& argument) {
    if (!take('=')) return true;
    if (!take('\'')) {
      argument.token = word();
      return !argument.token->empty();
    }
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) return false;
    argument.token = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }

  bool version(char mark, std::string_view& out) {
    if (!take(mark)) return true;
    const size_t start = at_;
    while (!word().empty() && take('.')) {
    }
    out = text_.substr(start, at_ - start);
    return !out.empty();
  }

  bool repetition(ArgumentDoc& argument) {
    argument.multiple = take('+');
    argument.multipleToken = argument.multiple && take('+');
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<std::vector<ArgumentDoc>> parseArguments(std::string_view notation) {
  std::vector<ArgumentDoc> arguments;
  if (!notation.empty() && !Parser(notation).list(arguments, ' ', 0)) return std::nullopt;
  return arguments;
}

}  // namespace vigil::command
