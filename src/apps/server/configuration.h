// All options of a server process: each part's values, and the one registry through which they are read and set.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/server/process_options.h"
#include "apps/server/server_options.h"
#include "base/config.h"
#include "base/stock_options.h"
#include "command/command_table.h"
#include "drivers/node_options.h"
#include "drivers/sentinel/sentinel_options.h"
#include "runtime/tls_options.h"

namespace vigil::apps {

bool isExecutable(const std::string& path);

class Configuration {
 public:
  enum class Mode { kServer, kSentinel };
  explicit Configuration(Mode mode = Mode::kServer);
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  // Reads file, standard input and command line. The error is the text for standard error, or,
  // with a code, a line for the log.
  Status load(std::span<const std::string> arguments);

  // Makes SORT order by the language that locale-collate names.
  Status setCollation();

  const Mode mode;
  ConfigRegistry registry;
  ServerOptions server;
  ProcessOptions process;
  drivers::NodeOptions node;
  drivers::SentinelOptions sentinel;  // in its mode
  runtime::TlsOptions tls;

  StockOptions stock;  // what no part claimed

  std::string file;  // the configuration file's absolute path, empty if there is none
  // rename-command: an empty new name removes. Each was found to be possible when its line was read.
  std::vector<std::pair<std::string, std::string>> renamedCommands;
  std::function<void(LogLevel)> setLogLevel;                         // set once there is a logger
  std::function<Status(ListenAt, const std::string& problem)> listenAnew;  // set once there are listeners
  std::function<Status()> configureTls;                                    // these two likewise
  std::function<void()> clientAuthChanged;

 private:
  Status renameCommand(const std::string& name, const std::string& newName);
  Status checkWhole() const;  // what no line alone is to blame for

  std::unique_ptr<command::CommandTable> commandNames_;  // as they are after the lines that were read; made when needed
};

}  // namespace vigil::apps
