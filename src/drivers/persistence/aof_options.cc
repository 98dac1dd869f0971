#include "drivers/persistence/aof_options.h"

#include <climits>

#include "base/config.h"

namespace vigil::drivers {

namespace {

// `what`: "filename" or "dirname".
std::function<Status(const std::string&)> plainName(std::string option, std::string what) {
  return [option = std::move(option), what = std::move(what)](const std::string& value) -> Status {
    if (value.empty()) return fail(option + " can't be empty");
    if (value.find('/') != std::string::npos) return fail(option + " can't be a path, just a " + what);
    return {};
  };
}

}  // namespace

void AofOptions::addTo(ConfigRegistry& registry) {
  auto follow = [](const std::function<Status()>& apply) { return apply ? apply() : Status(); };
  registry.add(
      {.name = "appendonly", .deniedWhileLoading = true, .apply = [this, follow] { return follow(applyAppendOnly); }},
      boolOption(appendOnly));
  registry.add({.name = "appendfilename", .immutable = true},
               stringOption(fileName, plainName("appendfilename", "filename")));
  registry.add({.name = "appenddirname", .immutable = true},
               stringOption(folder, plainName("appenddirname", "dirname")));
  registry.add({.name = "appendfsync", .apply = [this, follow] { return follow(applyFsync); }},
               enumOption(fsync, {{"everysec", static_cast<int>(AppendFsync::kEverySecond)},
                                  {"always", static_cast<int>(AppendFsync::kAlways)},
                                  {"no", static_cast<int>(AppendFsync::kNo)}}));
  registry.add({.name = "no-appendfsync-on-rewrite"}, boolOption(noFsyncOnRewrite));
  registry.add({.name = "auto-aof-rewrite-percentage"}, integerOption(rewritePercentage, {0, INT_MAX}));
  registry.add({.name = "auto-aof-rewrite-min-size"}, memoryOption(rewriteMinSize));
  registry.add({.name = "aof-load-truncated"}, boolOption(loadTruncated));
  registry.add({.name = "aof-use-rdb-preamble"}, boolOption(rdbPreamble));
  registry.add({.name = "aof-timestamp-enabled"}, boolOption(timestamps));
  registry.add({.name = "aof-disable-auto-gc", .apply = [this, follow] { return follow(applyKeepHistory); }},
               boolOption(keepHistory));
  registry.add({.name = "aof-rewrite-incremental-fsync"}, boolOption(incrementalFsync));
}

}  // namespace vigil::drivers
