// The notation of CommandSpec::arguments, and what it stands for: the tree of arguments that COMMAND DOCS replies.
//
//   key value [condition:(NX|XX)@2.6.12] [GET@6.2.0] [expiration:(seconds:integer=EX|KEEPTTL@6.0.0)] field_value:<f v>+
//
//   argument  = item | "[" item "]"                    in brackets: optional
//   item      = name [":" kind] ["#" key specification] ["=" token] ["@" since] ["!" deprecated since] ["+" | "++"]
//   kind      = a type of Redis's | "(" item {"|" item} ")" one of these | "<" argument {" " argument} ">" a block
//   token     = a word, or any characters in 'single quotes'
//
// A name of other characters than letters, digits, - and _ stands in 'single quotes'. One in capitals is the pure token
// of that spelling. Without a kind "key" is a key, by the first key specification,
// and any other name a string. "+": may be repeated; "++": its token is repeated with it. tools/spec_rows writes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::command {

struct ArgumentDoc {
  std::string name;
  std::string_view
      type;  // "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"
  std::optional<std::string_view> token = {};
  std::string_view since = {};
  std::string_view deprecatedSince = {};
  int keySpec = -1;  // -1: none
  bool optional = false;
  bool multiple = false;
  bool multipleToken = false;
  std::vector<ArgumentDoc> arguments = {};  // of oneof and block
};

// nullopt: not in this notation. The result views `notation`.
std::optional<std::vector<ArgumentDoc>> parseArguments(std::string_view notation);

}  // namespace vigil::command
