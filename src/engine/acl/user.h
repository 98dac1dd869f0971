// An ACL user: who may authenticate as it, and what it may do. A plain value; rules.h changes it, check.h asks it.
//
//   user bob on #2d71… ~cache:* resetchannels -@all +get (%R~x* resetchannels -@all +@read)
//            |  |      |        |             |          |
//            |  |      +--------+-------------+          a further selector
//            |  passwords       the root selector: keys, channels, commands
//            flags
//
// A command is allowed if one selector allows all of it: the command, its keys, its channels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::engine::acl {

// What a key pattern allows to do with the keys that it matches.
enum KeyAccess : uint8_t { kReadAccess = 1, kWriteAccess = 2, kFullAccess = 3 };

struct KeyPattern {
  uint8_t access;  // KeyAccess
  std::string pattern;

  std::string describe() const;  // "~x*", "%R~x*"
};

// A set of commands and subcommands, by CommandEntry::index.
class CommandSet {
 public:
  bool contains(size_t index) const {
    return index / 64 < words_.size() && (words_[index / 64] >> index % 64 & 1) != 0;
  }
  void set(size_t index, bool in);
  void clear() { words_.clear(); }
  void fill(size_t count);  // all indexes below `count`
  bool operator==(const CommandSet&) const = default;

 private:
  std::vector<uint64_t> words_;
};

struct Selector {
  // +select|0: the command, which `commands` has not, with this first argument only.
  struct FirstArgument {
    size_t command;
    std::string word;
    bool operator==(const FirstArgument&) const = default;
  };

  bool allCommands = false;  // no command was taken out of +@all
  bool startsWithAll = false;  // +@all, not -@all, is what the command rules begin with
  bool allKeys = false;
  bool allChannels = false;
  CommandSet commands;
  std::vector<FirstArgument> firstArguments;
  std::string commandRules;  // in force, in the order in which they were given: "+get -config|set +@read"
  std::vector<KeyPattern> keys;
  std::vector<std::string> channels;

  std::string describeCommands() const;  // "-@all +get"
  std::string describeKeys() const;      // "~x* %R~y*"
  std::string describeChannels() const;  // "&*" or "&a &b"
  // All of it, as the rules that make it: "~x*", "resetchannels", "-@all", "+get".
  std::vector<std::string> rules() const;
};

struct User {
  enum class Payload : uint8_t { kUnset, kSanitize, kSkip };  // sanitize-payload

  std::string name;
  uint64_t id = 0;  // never given twice: a user of the same name that was made anew is another one
  bool enabled = false;
  bool noPassword = false;
  Payload payload = Payload::kUnset;
  std::vector<std::string> passwords;               // SHA-256 in hexadecimal digits
  std::vector<Selector> selectors{Selector()};      // the first is the root

  Selector& root() { return selectors.front(); }
  const Selector& root() const { return selectors.front(); }

  std::vector<std::string_view> flags() const;  // as ACL GETUSER shows them
  // The rules that make this user; each selector but the root is one. Inside it a word that would not be read back as
  // it is, such as one with quotes, is quoted.
  std::vector<std::string> rules() const;
  std::string describe() const;  // them in one line: "on #… ~x* resetchannels -@all +get"
  // Whether any command may be run without looking at it.
  bool unrestricted() const { return root().allCommands && root().allKeys && root().allChannels; }
  bool accepts(std::string_view password) const;
};

}  // namespace vigil::engine::acl
