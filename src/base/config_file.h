// Reads configuration: files, standard input and the command line, as lines of directives, in Redis's order and by
// Redis's rules.
//
// A directive is applied as soon as its line was read, before the next line is looked at: `dir` decides where a later
// relative `include` is looked for. Lines are trimmed, blank ones and those that begin with # are skipped, words may be
// quoted (splitArguments()), the first word is a name in any case. The file comes first, then standard input, then the
// command line: what comes last counts. Pure but for the FileSystem port; not thread safe.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vigil {

class FileSystem;

// What `vigil-server [file] [--name value ...] [-]` asks for.
struct CommandLine {
  std::string configFile;   // empty: none
  bool readsStdin = false;  // a lone - as first or last argument
  std::string optionLines;  // the --name value pairs as lines of directives, joined by \n
};
// `arguments` without the program's name. --version, --help and their kind are the caller's, before this.
CommandLine parseCommandLine(std::span<const std::string> arguments);

// Where a directive stands. Redis numbers the lines of file, standard input and command line through, so `line` may
// be greater than the file has lines.
struct ConfigPlace {
  std::string source;  // the file's path, "standard input" or "command line"
  size_t line = 0;     // from 1
  std::string text;    // the trimmed line
};

// The text that goes to standard error before exit code 1:
//
//   *** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***
//   Reading the configuration file, at line 3
//   >>> 'foo bar'
//   Bad directive or wrong number of arguments
//   (in /etc/redis/redis.conf)
//
// with an empty line before it. Without a place (a check of the whole) the second, third and last line are missing.
std::string fatalConfigText(std::string_view version, std::string_view problem,
                            const std::optional<ConfigPlace>& place = std::nullopt);

struct ConfigLoadError {
  std::string problem;
  std::optional<ConfigPlace> place;  // none: a file could not be opened, and `problem` is a line for the log
};

// Takes one directive: its name in lower case and its words. Its error text is shown to the user. `afterInclude`: an
// included file has ended, and this line does not stand in another one.
using DirectiveSink =
    std::function<Status(const std::string& name, std::span<const std::string> words, bool afterInclude)>;

class ConfigReader {
 public:
  static constexpr int kMaxIncludeDepth = 64;  // Redis recurses until its stack ends

  ConfigReader(FileSystem& files, DirectiveSink sink) : files_(files), sink_(std::move(sink)) {}

  // Reads the parts in order; those that are empty or missing are left out.
  std::expected<void, ConfigLoadError> load(const std::string& file, std::optional<std::string_view> stdinText,
                                            std::string_view optionLines);
  // Reads one text alone.
  std::expected<void, ConfigLoadError> loadText(std::string_view text, const std::string& source,
                                                size_t linesBefore = 0);

 private:
  std::expected<void, ConfigLoadError> loadFile(const std::string& path, size_t& linesBefore);
  std::expected<void, ConfigLoadError> loadPattern(const std::string& pattern, size_t& linesBefore);
  std::expected<void, ConfigLoadError> loadLine(std::string_view line, const std::string& source, size_t number);

  FileSystem& files_;
  DirectiveSink sink_;
  int depth_ = 0;
  bool afterInclude_ = false;
};

// The paths that exist and match a shell pattern, sorted. As glob(3): * and ? do not cross a / nor match a leading dot.
std::vector<std::string> globPaths(FileSystem& files, std::string_view pattern);

}  // namespace vigil
