#include "apps/server/configuration.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <sstream>

#include "base/config_file.h"
#include "base/ports/files.h"
#include "base/text.h"
#include "drivers/node.h"
#include "drivers/sentinel/sentinel_commands.h"
#include "engine/config_commands.h"
#include "engine/version.h"
#include "runtime/collation.h"
#include "runtime/file_logger.h"
#include "runtime/posix_files.h"

namespace vigil::apps {

namespace {

constexpr int64_t kSentinelPort = 26379;

// The line of the nth directive of this name in a file that includes no others; 0: it is not there.
size_t lineOfDirective(const std::string& text, std::string_view name, size_t nth) {
  size_t number = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const auto words = splitArguments(trimmed(line));
    if (words && !words->empty() && equalsIgnoreCase(words->front(), name) && nth-- == 0) return number;
  }
  return 0;
}

}  // namespace

bool isExecutable(const std::string& path) { return access(path.c_str(), X_OK) == 0; }

Configuration::Configuration(Mode itsMode) : mode(itsMode) {
  if (mode == Mode::kSentinel) {  // its defaults; it saves no data
    server.port.store(kSentinelPort);
    node.engine.protectedMode.store(false);
    node.rdb.savePoints.store({});
    sentinel.addTo(registry);
  }
  registerOptions(
      registry, server,
      [this](LogLevel level) {
        if (setLogLevel) setLogLevel(level);
      },
      [this](ListenAt what, const std::string& problem) { return listenAnew ? listenAnew(what, problem) : Status(); });
  const auto reconfigure = [this] { return configureTls ? configureTls() : Status(); };
  runtime::registerTlsOptions(registry, tls, reconfigure, [this] {
    if (clientAuthChanged) clientAuthChanged();
  });
  process.addTo(registry);
  registry.addDirective(
      {.name = "rename-command",
       .minWords = 2,
       .maxWords = 2,
       .load = [this](std::span<const std::string> words) -> Status { return renameCommand(words[0], words[1]); }});
  node.replication.tlsChanged = reconfigure;
  node.cluster.tlsChanged = reconfigure;
  registry.add({.name = "locale-collate", .apply = [this] { return setCollation(); }},
               stringOption(node.engine.sorts.locale, nullptr, EmptyText::kValue));
  drivers::registerOptions(registry, node);
  stock.registerMissing(registry);
}

Status Configuration::load(std::span<const std::string> arguments) {
  CommandLine line = parseCommandLine(arguments);
  std::optional<std::string> input;
  if (line.readsStdin) input = std::string(std::istreambuf_iterator<char>(std::cin), {});
  if (!line.configFile.empty()) file = std::filesystem::absolute(line.configFile).string();
  runtime::PosixFileSystem files;
  ConfigReader reader(files, [this](const std::string& name, std::span<const std::string> words, bool afterInclude) {
    return registry.loadDirective(name, words, afterInclude ? ConfigPhase::kAfterInclude : ConfigPhase::kStart);
  });
  auto loaded = reader.load(line.configFile, input, line.optionLines);
  if (!loaded) {
    if (!loaded.error().place) return fail(loaded.error().problem, ENOENT);
    return fail(fatalConfigText(engine::kRedisVersion, loaded.error().problem, loaded.error().place));
  }
  if (auto checked = sentinel.check(isExecutable); !checked) {
    const std::string text = readWholeFile(files, file).value_or("");
    const ConfigPlace place{.source = file,
                            .line = lineOfDirective(text, "sentinel", checked.error().number),
                            .text = checked.error().line};
    return fail(fatalConfigText(engine::kRedisVersion, checked.error().problem, place));
  }
  if (auto checked = checkWhole(); !checked) {
    return fail(fatalConfigText(engine::kRedisVersion, checked.error().message));
  }
  node.engine.notifyEventsChanged();
  if (auto s = setCollation(); !s) return fail("Failed to configure LOCALE for invalid locale name.", EINVAL);
  return {};
}

Status Configuration::renameCommand(const std::string& name, const std::string& newName) {
  if (!commandNames_) {
    commandNames_ = std::make_unique<command::CommandTable>();
    if (mode == Mode::kSentinel) {
      engine::Engine::addSentinelRows(*commandNames_, nullptr);
      commandNames_->add(drivers::sentinelCommands(), nullptr);
    } else {
      drivers::Node::addCommandNames(*commandNames_);
      commandNames_->add(engine::configCommands(), nullptr);
    }
  }
  if (auto renamed = commandNames_->rename(name, newName); !renamed) return renamed;
  renamedCommands.emplace_back(name, newName);
  return {};
}

Status Configuration::checkWhole() const {
  if (const std::string log = server.logFile.load(); !log.empty()) {
    if (auto opened = runtime::checkLogFile(log); !opened) {
      return fail("Can't open the log file: " + opened.error().message);
    }
  }
  if (node.cluster.enabled.load() && !node.replication.master.load().host.empty()) {
    return fail("replicaof directive not allowed in cluster mode");
  }
  return {};
}

Status Configuration::setCollation() {
  commands::SortOptions& sorts = node.engine.sorts;
  const std::string name = sorts.locale.load();
  auto key = runtime::collationOf(name);
  // An environment that names a language which the machine does not have is no reason not to start.
  if (!key && !name.empty()) return std::unexpected(key.error());
  sorts.collationKey.store(key ? *std::move(key) : nullptr);
  return {};
}

}  // namespace vigil::apps
