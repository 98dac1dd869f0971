#include "base/config_file.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/ports/files.h"
#include "base/text.h"

namespace vigil {

namespace {

using Loaded = std::expected<void, ConfigLoadError>;

Loaded problemAt(std::string problem, const std::string& source, size_t number, std::string_view line) {
  return std::unexpected(ConfigLoadError{std::move(problem), ConfigPlace{source, number, std::string(line)}});
}

bool isPattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

size_t lineCount(std::string_view text) { return static_cast<size_t>(std::ranges::count(text, '\n')); }

// An option that may stand alone on the command line and means an empty value then.
bool mayBeEmpty(std::string_view argument) {
  return equalsIgnoreCase(argument, "--save") || equalsIgnoreCase(argument, "--sentinel");
}

}  // namespace

CommandLine parseCommandLine(std::span<const std::string> arguments) {
  CommandLine parsed;
  size_t i = 0;
  if (!arguments.empty() && !arguments[0].starts_with("-")) parsed.configFile = arguments[i++];
  bool lastOptionHasValue = true;  // only then does -- begin an option; else it is the value
  for (; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    bool isLast = i + 1 == arguments.size();
    std::string& lines = parsed.optionLines;
    if (argument == "-" && (i == 0 || isLast)) {
      parsed.readsStdin = true;
    } else if (lastOptionHasValue && argument.starts_with("--")) {
      if (!lines.empty()) lines += "\n";
      lines += argument.substr(2) + " ";
      auto words = splitArguments(argument);
      lastOptionHasValue = !words || words->size() != 1;
      if (!lastOptionHasValue && mayBeEmpty(argument) && (isLast || arguments[i + 1].starts_with("--"))) {
        if (equalsIgnoreCase(argument, "--save")) lines += "\"\"";
        lastOptionHasValue = true;
      }
    } else {
      appendQuoted(lines, argument);
      lines += " ";
      lastOptionHasValue = true;
    }
  }
  return parsed;
}

std::string fatalConfigText(std::string_view version, std::string_view problem,
                            const std::optional<ConfigPlace>& place) {
  std::string text = "\n*** FATAL CONFIG FILE ERROR (Redis " + std::string(version) + ") ***\n";
  if (place) {
    text += "Reading the configuration file, at line " + std::to_string(place->line) + "\n";
    text += ">>> '" + place->text + "'\n";
  }
  text.append(problem).append("\n");
  if (place) text += "(in " + place->source + ")\n";
  return text;
}

Loaded ConfigReader::load(const std::string& file, std::optional<std::string_view> stdinText,
                          std::string_view optionLines) {
  size_t linesBefore = 0;
  if (!file.empty()) {
    if (auto loaded = isPattern(file) ? loadPattern(file, linesBefore) : loadFile(file, linesBefore); !loaded) {
      return loaded;
    }
  }
  if (stdinText) {
    if (auto loaded = loadText(*stdinText, "standard input", linesBefore); !loaded) return loaded;
    linesBefore += lineCount(*stdinText);
  }
  return loadText(optionLines, "command line", linesBefore + 1);
}

Loaded ConfigReader::loadText(std::string_view text, const std::string& source, size_t linesBefore) {
  size_t number = linesBefore;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (auto loaded = loadLine(trimmed(text.substr(0, end)), source, ++number); !loaded) return loaded;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Loaded ConfigReader::loadFile(const std::string& path, size_t& linesBefore) {
  auto content = readWholeFile(files_, path);
  if (!content) {
    const Error& error = content.error();
    std::string why = error.code != 0 ? std::generic_category().message(error.code) : error.message;
    return std::unexpected(ConfigLoadError{"Fatal error, can't open config file '" + path + "': " + why, std::nullopt});
  }
  auto loaded = loadText(*content, path, linesBefore);
  linesBefore += lineCount(*content);
  return loaded;
}

Loaded ConfigReader::loadPattern(const std::string& pattern, size_t& linesBefore) {
  for (const std::string& path : globPaths(files_, pattern)) {
    if (auto loaded = loadFile(path, linesBefore); !loaded) return loaded;
  }
  return {};
}

Loaded ConfigReader::loadLine(std::string_view line, const std::string& source, size_t number) {
  if (line.empty() || line[0] == '#') return {};
  auto words = splitArguments(line);
  if (!words) return problemAt("Unbalanced quotes in configuration line", source, number, line);
  if (words->empty()) return {};
  std::string name = toLower(words->front());
  if (name != "include" || words->size() != 2) {
    auto taken = sink_(name, std::span<const std::string>(*words).subspan(1), afterInclude_);
    return taken ? Loaded() : problemAt(std::move(taken.error().message), source, number, line);
  }
  if (depth_ == kMaxIncludeDepth) return problemAt("Too many nested include directives", source, number, line);
  ++depth_;
  afterInclude_ = false;
  size_t fromItsStart = 0;
  const std::string& path = (*words)[1];
  auto loaded = isPattern(path) ? loadPattern(path, fromItsStart) : loadFile(path, fromItsStart);
  --depth_;
  afterInclude_ = true;
  return loaded;
}

namespace {

// Extends each of `folders` ("" or ending in /) by what matches the next part of the pattern.
void extendPaths(FileSystem& files, std::vector<std::string>& folders, std::string_view part, bool isLast) {
  std::vector<std::string> extended;
  for (const std::string& folder : folders) {
    if (!isPattern(part)) {
      std::string path = folder + std::string(part);
      if (!isLast) extended.push_back(path + "/");
      if (isLast && files.exists(path)) extended.push_back(std::move(path));
      continue;
    }
    auto names = files.list(folder.empty() ? "." : folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (name.starts_with('.') && !part.starts_with('.')) continue;
      if (stringMatch(part, name)) extended.push_back(folder + name + (isLast ? "" : "/"));
    }
  }
  folders = std::move(extended);
}

}  // namespace

std::vector<std::string> globPaths(FileSystem& files, std::string_view pattern) {
  std::vector<std::string> paths{""};
  for (;;) {
    size_t slash = pattern.find('/');
    bool isLast = slash == std::string_view::npos;
    extendPaths(files, paths, pattern.substr(0, slash), isLast);
    if (isLast) break;
    pattern.remove_prefix(slash + 1);
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace vigil
