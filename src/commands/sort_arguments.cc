#include "commands/sort_arguments.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "command/args.h"
#include "keyspace/keyspace.h"

namespace vigil::commands {

using command::ArgCursor;

namespace {

bool namesKeys(std::string_view pattern) { return pattern.find('*') != std::string_view::npos; }

// Whether keys that the arguments do not name may be read: in a cluster they may be another node's. False after an error
// reply.
bool mayRead(command::Context& context, std::string_view option) {
  std::string_view reason;
  if (context.keyspace().hasSlots()) {
    reason = "in Cluster mode.";
  } else if (!context.mayAccessAllKeys(command::kKeyAccess)) {
    reason = "due to insufficient ACL permissions.";
  } else {
    return true;
  }
  context.reply().error("ERR " + std::string(option) + " option of SORT denied " + std::string(reason));
  return false;
}

// One option. False after an error reply.
bool parseOption(command::Context& context, ArgCursor& args, SortVariant variant, SortArguments& sort) {
  if (args.take("ASC")) {
    sort.descending = false;
  } else if (args.take("DESC")) {
    sort.descending = true;
  } else if (args.take("ALPHA")) {
    sort.alphabetical = true;
  } else if (args.take("LIMIT", 2)) {
    const auto offset = args.integer();
    if (!offset) return false;
    const auto count = args.integer();
    if (!count) return false;
    sort.offset = *offset;
    sort.count = *count;
  } else if (variant == SortVariant::kMayStore && args.take("STORE", 1)) {
    sort.store = args.position();
    args.skip(1);
  } else if (args.take("BY", 1)) {
    sort.by = args.next();
    if (namesKeys(sort.by)) return mayRead(context, "BY");
    sort.sorts = false;  // for good
  } else if (args.take("GET", 1)) {
    sort.get.push_back(args.next());
    return mayRead(context, "GET");  // also for #, as in Redis
  } else {
    return args.syntaxError();
  }
  return true;
}

}  // namespace

std::optional<SortArguments> parseSort(command::Context& context, SortVariant variant) {
  SortArguments sort;
  ArgCursor args(context, 2);
  while (!args.done()) {
    if (!parseOption(context, args, variant, sort)) return std::nullopt;
  }
  return sort;
}

bool sortReadsOtherKeys(command::Args args) {
  for (size_t i = 2; i + 1 < args.size(); ++i) {
    if ((equalsIgnoreCase(args[i], "by") || equalsIgnoreCase(args[i], "get")) && namesKeys(args[i + 1])) return true;
  }
  return false;
}

bool findSortReadKeys(command::Args args, std::vector<command::KeyPosition>& keys) {
  if (args.size() < 2) return false;
  keys.push_back({1, command::kKeyRO | command::kKeyAccess});
  return true;
}

bool findSortKeys(command::Args args, std::vector<command::KeyPosition>& keys) {
  if (!findSortReadKeys(args, keys)) return false;
  size_t store = 0;
  for (size_t i = 2; i < args.size(); ++i) {
    if (equalsIgnoreCase(args[i], "limit")) {
      i += 2;
    } else if (equalsIgnoreCase(args[i], "by") || equalsIgnoreCase(args[i], "get")) {
      ++i;
    } else if (equalsIgnoreCase(args[i], "store") && i + 1 < args.size()) {
      store = ++i;
    }
  }
  if (store != 0) keys.push_back({static_cast<int>(store), command::kKeyOW | command::kKeyUpdate});
  return true;
}

}  // namespace vigil::commands
