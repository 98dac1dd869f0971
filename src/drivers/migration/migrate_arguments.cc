#include "drivers/migration/migrate_arguments.h"

#include "base/text.h"
#include "command/args.h"

namespace vigil::drivers {

using command::ArgCursor;

namespace {

constexpr size_t kOptions = 6;  // the first argument behind the timeout
constexpr int64_t kDefaultTimeoutMs = 1000;

// One option. False after an error reply.
bool parseOption(command::Context& context, ArgCursor& args, MigrateArguments& migrate) {
  if (args.take("COPY")) {
    migrate.copy = true;
  } else if (args.take("REPLACE")) {
    migrate.replace = true;
  } else if (args.take("AUTH", 1)) {
    migrate.authenticates = true;
    migrate.user.clear();
    context.redact(args.position());
    migrate.password = args.next();
  } else if (args.take("AUTH2", 2)) {
    migrate.authenticates = true;
    context.redact(args.position());
    migrate.user = args.next();
    context.redact(args.position());
    migrate.password = args.next();
  } else if (args.take("KEYS")) {
    if (!context.arg(3).empty()) {
      return args.fail(
          "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string");
    }
    migrate.firstKey = args.position();
    migrate.keyCount = args.left();
    args.skip(args.left());
  } else {
    return args.syntaxError();
  }
  return true;
}

}  // namespace

std::optional<MigrateArguments> parseMigrate(command::Context& context) {
  MigrateArguments migrate;
  migrate.host = context.arg(1);
  migrate.port = context.arg(2);
  ArgCursor options(context, kOptions);
  while (!options.done()) {
    if (!parseOption(context, options, migrate)) return std::nullopt;
  }
  ArgCursor numbers(context, 4);
  const auto db = numbers.integer();
  if (!db) return std::nullopt;
  const auto timeout = numbers.integer();
  if (!timeout) return std::nullopt;
  migrate.db = *db;
  migrate.timeoutMs = *timeout > 0 ? *timeout : kDefaultTimeoutMs;
  return migrate;
}

bool findMigrateKeys(command::Args args, std::vector<command::KeyPosition>& keys) {
  constexpr uint32_t kFlags = command::kKeyRW | command::kKeyAccess | command::kKeyDelete;
  if (args.size() < kOptions) return false;
  for (size_t i = kOptions; i < args.size(); ++i) {
    if (equalsIgnoreCase(args[i], "auth")) {
      ++i;
    } else if (equalsIgnoreCase(args[i], "auth2")) {
      i += 2;
    } else if (equalsIgnoreCase(args[i], "keys")) {
      if (!args[3].empty()) return false;  // the handler says so
      for (++i; i < args.size(); ++i) keys.push_back({static_cast<int>(i), kFlags});
      return true;
    }
  }
  keys.push_back({3, kFlags});
  return true;
}

}  // namespace vigil::drivers
