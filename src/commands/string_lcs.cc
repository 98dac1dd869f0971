// LCS: the longest common subsequence of two strings, by the table of the lengths for all pairs of prefixes.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "command/args.h"
#include "command/spec.h"
#include "commands/string_access.h"
#include "commands/string_commands.h"

namespace vigil::commands {

namespace {

using namespace command;  // NOLINT(google-build-using-namespace): the rows name many of its flags
using keyspace::Entry;

struct LcsOptions {
  bool length = false;
  bool indexes = false;
  bool matchLengths = false;
  int64_t minMatch = 0;
};

// False: an error was replied.
bool parseOptions(Context& context, LcsOptions& options) {
  ArgCursor args(context, 3);
  while (!args.done()) {
    if (args.take("LEN")) {
      options.length = true;
    } else if (args.take("IDX")) {
      options.indexes = true;
    } else if (args.take("WITHMATCHLEN")) {
      options.matchLengths = true;
    } else if (args.take("MINMATCHLEN", 1)) {
      const auto least = args.integer();
      if (!least) return false;
      options.minMatch = *least;
    } else {
      return args.syntaxError();
    }
  }
  if (!options.length || !options.indexes) return true;
  return args.fail("ERR If you want both the length and indexes, please just use IDX.");
}

// A run of bytes that the subsequence takes from both strings.
struct Match {
  size_t a;
  size_t b;
  size_t size;
};

class Lcs {
 public:
  // Bytes that the table takes; nullopt: more than can be counted.
  static std::optional<uint64_t> tableBytes(uint64_t a, uint64_t b) {
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(a + 1, (b + 1) * sizeof(uint32_t), &bytes)) return std::nullopt;
    return bytes;
  }

  Lcs(std::string_view a, std::string_view b) : a_(a), b_(b), lengths_((a.size() + 1) * (b.size() + 1)) {
    for (size_t i = 1; i <= a.size(); ++i) {
      for (size_t j = 1; j <= b.size(); ++j) {
        at(i, j) = a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
      }
    }
  }

  size_t length() { return at(a_.size(), b_.size()); }

  // From the strings' ends to their beginnings.
  std::vector<Match> matches() {
    std::vector<Match> found;
    bool open = false;  // whether the byte behind (i, j) belongs to the last match
    for (size_t i = a_.size(), j = b_.size(); i > 0 && j > 0;) {
      if (a_[i - 1] == b_[j - 1]) {
        --i;
        --j;
        if (!open) found.push_back({i, j, 0});
        found.back() = {i, j, found.back().size + 1};
        open = true;
      } else {
        at(i - 1, j) > at(i, j - 1) ? --i : --j;
        open = false;
      }
    }
    return found;
  }

 private:
  uint32_t& at(size_t i, size_t j) { return lengths_[i * (b_.size() + 1) + j]; }

  std::string_view a_;
  std::string_view b_;
  std::vector<uint32_t> lengths_;
};

void replyRange(Reply& reply, size_t start, size_t size) {
  reply.array(2);
  reply.integer(static_cast<int64_t>(start));
  reply.integer(static_cast<int64_t>(start + size - 1));
}

void replyIndexes(Reply& reply, Lcs& lcs, const LcsOptions& options) {
  reply.map(2);
  reply.bulk("matches");
  std::vector<Match> matches = lcs.matches();
  std::erase_if(matches, [&](const Match& match) { return static_cast<int64_t>(match.size) < options.minMatch; });
  reply.array(matches.size());
  for (const Match& match : matches) {
    reply.array(options.matchLengths ? 3 : 2);
    replyRange(reply, match.a, match.size);
    replyRange(reply, match.b, match.size);
    if (options.matchLengths) reply.integer(static_cast<int64_t>(match.size));
  }
  reply.bulk("len");
  reply.integer(static_cast<int64_t>(lcs.length()));
}

std::string subsequence(std::string_view a, Lcs& lcs) {
  std::string text;
  const std::vector<Match> matches = lcs.matches();
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) text += a.substr(match->a, match->size);
  return text;
}

// A copy, since the look-up of the other key may move it. nullopt: the error was replied.
std::optional<std::string> valueOf(Context& context, size_t argument) {
  const Entry* entry = context.db().find(context.key(argument));
  if (entry == nullptr) return std::string();
  Entry::Scratch scratch;
  if (entry->isString()) return std::string(entry->stringValue(scratch));
  context.reply().error("ERR The specified keys must contain string values");
  return std::nullopt;
}

void lcsCommand(Context& context) {
  const auto a = valueOf(context, 1);
  const auto b = a ? valueOf(context, 2) : std::nullopt;
  LcsOptions options;
  if (!b || !parseOptions(context, options)) return;
  Reply& reply = context.reply();
  if (a->size() >= UINT32_MAX - 1 || b->size() >= UINT32_MAX - 1) return reply.error("ERR String too long for LCS");
  const auto bytes = Lcs::tableBytes(a->size(), b->size());
  if (!bytes || *bytes > maxStringSize(context)) {
    return reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  Lcs lcs(*a, *b);
  if (options.indexes) {
    replyIndexes(reply, lcs, options);
  } else if (options.length) {
    reply.integer(static_cast<int64_t>(lcs.length()));
  } else {
    reply.bulk(subsequence(*a, lcs));
  }
}

constexpr KeySpec kLcsKeys[] = {{.flags = kKeyRO | kKeyAccess, .last = 1}};

constexpr CommandSpec kCommands[] = {
    {.name = "lcs",
     .arity = -3,
     .flags = kReadonly,
     .categories = kCatString,
     .keys = kLcsKeys,
     .handler = lcsCommand,
     .group = "string",
     .since = "7.0.0",
     .summary = "Find longest common substring",
     .complexity = "O(N*M) where N and M are the lengths of s1 and s2, respectively",
     .arguments = "key1:key key2:key [LEN] [IDX] [len:integer=MINMATCHLEN] [WITHMATCHLEN]"},
};

}  // namespace

std::span<const command::CommandSpec> stringLcsCommands() { return kCommands; }

}  // namespace vigil::commands
