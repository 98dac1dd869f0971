#include "engine/acl/acl_file.h"

#include <algorithm>
#include <system_error>

#include "base/text.h"

namespace vigil::engine::acl {

namespace {

std::vector<std::string_view> splitAtSpaces(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const size_t space = line.find(' ');
    words.push_back(line.substr(0, space));
    if (space == std::string_view::npos) return words;
    line.remove_prefix(space + 1);
  }
}

// Reads line after line and goes on after errors, so that all of them are told at once.
class FileParser {
 public:
  FileParser(const std::string& path, const RuleContext& context) : path_(path), context_(context) {}

  void line(std::string_view text, size_t number) {
    text = trimmed(text);
    if (text.empty()) return;
    place_ = path_ + ":" + std::to_string(number);
    const auto words = splitAtSpaces(text);
    if (words[0] != "user" || words.size() < 2) {
      errors_ += place_ + " should start with user keyword followed by the username. ";
      return;
    }
    const std::string name(words[1]);
    if (!isValidUserName(name)) {
      errors_ += "'" + place_ + ": username '" + name + "' contains invalid characters. ";
      return;
    }
    if (std::ranges::any_of(users_, [&](const User& known) { return known.name == name; })) {
      errors_ += "WARNING: Duplicate user '" + name + "' found on line " + std::to_string(number) + ". ";
      return;
    }
    users_.push_back(userOf(name, std::span(words).subspan(2)));
  }

  Result<std::vector<User>> finish() {
    if (errors_.empty()) return std::move(users_);
    return fail(errors_ + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
  }

 private:
  User userOf(const std::string& name, std::span<const std::string_view> words) {
    User user = newUser(name, context_);
    auto rules = joinSelectors(words);
    if (!rules) {
      errors_ += place_ + ": Unmatched parenthesis in selector definition. ";
      return user;
    }
    bool told = false;
    for (const std::string& word : *rules) {
      const std::string_view rule = trimmed(word);
      auto applied = applyRule(user, rule, context_);
      if (applied) continue;
      // A command's name is no secret; what else is wrong may be a password, and is told once.
      if (applied.error() == RuleError::kUnknownCommand) {
        errors_ += place_ + ": Error in applying operation '" + std::string(rule) + "': ";
      } else if (told) {
        continue;
      } else {
        errors_ += place_ + ": ";
        told = true;
      }
      errors_ += std::string(textOf(applied.error())) + ". ";
    }
    return user;
  }

  const std::string& path_;
  const RuleContext& context_;
  std::vector<User> users_;
  std::string place_;  // of the line that is read
  std::string errors_;
};

}  // namespace

Result<std::vector<User>> readUsers(std::string_view text, const std::string& path, const RuleContext& context) {
  FileParser parser(path, context);
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    parser.line(text.substr(0, end), number);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parser.finish();
}

std::string openingFailed(const std::string& path, const Error& error) {
  return "Error loading ACLs, opening file '" + path +
         "': " + (error.code != 0 ? std::generic_category().message(error.code) : error.message);
}

std::string userLine(const User& user) { return "user " + user.name + " " + user.describe(); }

std::string configurationLine(const User& user) {
  auto quoted = [](const std::string& word) {
    return word.empty() || word.find_first_of("\"'") != std::string::npos ? quoteArgument(word) : word;
  };
  std::string line = "user " + quoted(user.name);
  for (const std::string& rule : user.rules()) line += " " + quoted(rule);
  return line;
}

}  // namespace vigil::engine::acl
