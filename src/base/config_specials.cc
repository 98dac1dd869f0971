#include "base/config_specials.h"

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace vigil {

namespace {

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

bool isEmptyWord(std::span<const std::string> words) { return words.size() == 1 && words[0].empty(); }

// --- save ---

std::string savePointsText(const SavePoints& points) {
  std::string text;
  for (const SavePoint& point : points) {
    if (!text.empty()) text += ' ';
    text += std::to_string(point.seconds) + " " + std::to_string(point.changes);
  }
  return text;
}

Result<SavePoints> parseSavePoints(std::span<const std::string> words) {
  if (words.empty() || isEmptyWord(words)) return SavePoints();
  if (words.size() % 2 != 0) return fail("Invalid save parameters");
  SavePoints points;
  for (size_t i = 0; i < words.size(); i += 2) {
    auto seconds = parseInt64(words[i]), changes = parseInt64(words[i + 1]);
    if (!seconds || !changes || *seconds < 1 || *changes < 0) return fail("Invalid save parameters");
    points.push_back({*seconds, *changes});
  }
  return points;
}

std::vector<RewriteLine> savePointLines(const std::string& name, const SavePoints& points, bool noneByDefault) {
  if (points.empty()) return {{name + " \"\"", !noneByDefault}};
  std::vector<RewriteLine> lines;
  for (const SavePoint& point : points) lines.push_back({name + " " + savePointsText({point}), true});
  return lines;
}

// --- client-output-buffer-limit ---

std::optional<size_t> classOf(const std::string& name) {
  if (equalsIgnoreCase(name, "normal")) return OutputBufferLimits::kNormal;
  if (equalsIgnoreCase(name, "slave") || equalsIgnoreCase(name, "replica")) return OutputBufferLimits::kReplica;
  if (equalsIgnoreCase(name, "pubsub")) return OutputBufferLimits::kPubSub;
  return std::nullopt;
}

Result<OutputBufferLimits> parseLimits(std::span<const std::string> words, OutputBufferLimits limits) {
  if (words.size() % 4 != 0) return fail("Wrong number of arguments in buffer limit configuration.");
  for (size_t i = 0; i < words.size(); i += 4) {
    auto which = classOf(words[i]);
    if (!which) return fail("Invalid client class specified in buffer limit configuration.");
    auto hard = parseMemorySize(words[i + 1]), soft = parseMemorySize(words[i + 2]);
    auto seconds = parseInt64(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0) {
      return fail("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    limits.of[*which] = {*hard, *soft, *seconds};
  }
  return limits;
}

std::string limitsText(const OutputBufferLimits& limits) {
  static constexpr const char* kNames[] = {"normal", "slave", "pubsub"};
  std::string text;
  for (size_t i = 0; i < limits.of.size(); ++i) {
    const OutputBufferLimit& limit = limits.of[i];
    text += std::string(i == 0 ? "" : " ") + kNames[i] + " " + std::to_string(limit.hardBytes) + " " +
            std::to_string(limit.softBytes) + " " + std::to_string(limit.softSeconds);
  }
  return text;
}

std::vector<RewriteLine> limitLines(const std::string& name, const OutputBufferLimits& limits,
                                    const OutputBufferLimits& byDefault) {
  static constexpr const char* kNames[] = {"normal", "replica", "pubsub"};
  std::vector<RewriteLine> lines;
  for (size_t i = 0; i < limits.of.size(); ++i) {
    const OutputBufferLimit& limit = limits.of[i];
    lines.push_back({name + " " + kNames[i] + " " + formatMemorySize(limit.hardBytes) + " " +
                         formatMemorySize(limit.softBytes) + " " + std::to_string(limit.softSeconds),
                     limit != byDefault.of[i]});
  }
  return lines;
}

// A list of words that is shown joined by spaces.
OptionTypePtr listOption(std::function<std::string()> get,
                         std::function<Status(std::span<const std::string>, ConfigPhase)> set, bool alwaysWritten,
                         std::string description) {
  std::string byDefault = get();
  auto lines = [get, byDefault, alwaysWritten](const std::string& name) -> std::vector<RewriteLine> {
    std::string text = get();
    return {{name + " " + (text.empty() ? "\"\"" : text), alwaysWritten || text != byDefault}};
  };
  return specialOption({.get = get, .set = std::move(set), .lines = lines, .description = std::move(description)});
}

}  // namespace

OptionTypePtr savePointsOption(Shared<SavePoints>& value) {
  auto isDefault = std::make_shared<bool>(true);
  auto set = [&value, isDefault](std::span<const std::string> words, ConfigPhase phase) -> Status {
    auto points = parseSavePoints(words);
    if (!points) return std::unexpected(points.error());
    if (phase == ConfigPhase::kStart && !*isDefault && !points->empty()) {
      SavePoints all = value.load();
      all.insert(all.end(), points->begin(), points->end());
      *points = std::move(all);
    }
    *isDefault = false;
    value.store(std::move(*points));
    return {};
  };
  auto lines = [&value, noneByDefault = value.load().empty()](const std::string& name) {
    return savePointLines(name, value.load(), noneByDefault);
  };
  return specialOption({.get = [&value] { return savePointsText(value.load()); },
                        .set = set,
                        .lines = lines,
                        .description = "pairs of seconds and changes, or empty"});
}

OptionTypePtr outputBufferLimitsOption(Shared<OutputBufferLimits>& value) {
  auto set = [&value](std::span<const std::string> words, ConfigPhase phase) -> Status {
    // CONFIG SET takes the empty text, and changes nothing; a line that says nothing is a mistake.
    if (words.empty() && phase != ConfigPhase::kRunning) return fail("wrong number of arguments");
    auto limits = parseLimits(words, value.load());
    if (!limits) return std::unexpected(limits.error());
    value.store(*limits);
    return {};
  };
  auto lines = [&value, byDefault = value.load()](const std::string& name) {
    return limitLines(name, value.load(), byDefault);
  };
  return specialOption({.get = [&value] { return limitsText(value.load()); },
                        .set = set,
                        .lines = lines,
                        .description = "client class (normal, replica, pubsub), hard limit, soft limit, soft seconds"});
}

OptionTypePtr addressListOption(Shared<AddressList>& value) {
  constexpr size_t kMaxAddresses = 16;
  auto get = [&value] { return joined(value.load()); };
  auto set = [&value](std::span<const std::string> words, ConfigPhase) -> Status {
    if (words.size() > kMaxAddresses) return fail("Too many bind addresses specified.");
    value.store(isEmptyWord(words) ? AddressList() : AddressList(words.begin(), words.end()));
    return {};
  };
  // Redis drops the line when the default is in force.
  auto lines = [get, byDefault = get()](const std::string& name) -> std::vector<RewriteLine> {
    std::string text = get();
    if (text == byDefault) return {};
    return {{name + " " + (text.empty() ? "\"\"" : text), true}};
  };
  return specialOption({.get = get, .set = set, .lines = lines, .description = "addresses"});
}

OptionTypePtr masterAddressOption(Shared<MasterAddress>& value) {
  auto get = [&value] {
    MasterAddress master = value.load();
    return master.host.empty() ? std::string() : master.host + " " + std::to_string(master.port);
  };
  auto set = [&value](std::span<const std::string> words, ConfigPhase) -> Status {
    if (words.size() != 2) return fail("wrong number of arguments");
    if (equalsIgnoreCase(words[0], "no") && equalsIgnoreCase(words[1], "one")) {
      value.store({});
      return {};
    }
    auto port = parseInt64(words[1]);
    if (!port || *port < 0 || *port > 65535) return fail("Invalid master port");
    value.store({words[0], static_cast<uint16_t>(*port)});
    return {};
  };
  auto lines = [get](const std::string& name) -> std::vector<RewriteLine> {
    std::string text = get();
    if (text.empty()) return {};
    return {{name + " " + text, true}};
  };
  return specialOption({.get = get, .set = set, .lines = lines, .description = "host and port"});
}

OptionTypePtr percentilesOption(Shared<std::vector<double>>& value) {
  auto get = [&value] {
    std::vector<std::string> words;
    for (double percentile : value.load()) words.push_back(formatDouble(percentile));
    return joined(words);
  };
  auto set = [&value](std::span<const std::string> words, ConfigPhase) -> Status {
    std::vector<double> percentiles;
    if (isEmptyWord(words)) words = {};
    for (const std::string& word : words) {
      auto percentile = parseDouble(word);
      if (!percentile) return fail("Invalid latency-tracking-info-percentiles parameters");
      if (*percentile < 0 || *percentile > 100) {
        return fail("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
      }
      percentiles.push_back(*percentile);
    }
    value.store(std::move(percentiles));
    return {};
  };
  return listOption(get, set, true, "percentages");
}

OptionTypePtr integerListOption(Shared<std::vector<int64_t>>& value, int64_t min, int64_t max) {
  auto get = [&value] {
    std::vector<std::string> words;
    for (int64_t number : value.load()) words.push_back(std::to_string(number));
    return joined(words);
  };
  auto set = [&value, min, max, count = value.load().size()](std::span<const std::string> words,
                                                             ConfigPhase) -> Status {
    if (words.size() != count) return fail("wrong number of arguments");
    std::vector<int64_t> numbers;
    for (const std::string& word : words) {
      auto number = parseInt64(word);
      if (!number || *number < min || *number > max) {
        return fail("Invalid oom-score-adj-values, elements must be between " + std::to_string(min) + " and " +
                    std::to_string(max) + ".");
      }
      numbers.push_back(*number);
    }
    value.store(std::move(numbers));
    return {};
  };
  return listOption(get, set, false, "integers, " + std::to_string(min) + " to " + std::to_string(max));
}

std::function<Status(const std::string&)> fileNameValidator(std::string option, bool mayBeEmpty) {
  return [option = std::move(option), mayBeEmpty](const std::string& name) -> Status {
    if (name.empty() && !mayBeEmpty) return fail(option + " can't be empty");
    const char* kind = option == "appenddirname" ? "dirname" : "filename";
    if (name.find('/') != std::string::npos) return fail(option + " can't be a path, just a " + kind);
    return {};
  };
}

Status validateHostName(const std::string& name) {
  constexpr size_t kMaxLength = 256;  // with the NUL that Redis's buffers end with
  if (name.size() >= kMaxLength) return fail("Hostnames must be less than 256 characters");
  bool allowed = std::ranges::all_of(name, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
  return allowed ? Status() : fail("Hostnames may only contain alphanumeric characters, hyphens or dots");
}

Status validateTitleTemplate(const std::string& text) {
  static constexpr std::string_view kVariables[] = {"title",    "listen-addr", "server-mode", "port",
                                                    "tls-port", "unixsocket",  "config-file"};
  Status invalid = fail("template format is invalid or contains unknown variables");
  if (text.empty()) return invalid;
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    size_t close = text.find('}', open);
    if (close == std::string::npos) return invalid;
    std::string_view variable = std::string_view(text).substr(open + 1, close - open - 1);
    if (std::ranges::find(kVariables, variable) == std::end(kVariables)) return invalid;
  }
  return {};
}

namespace {

struct EventLetter {
  char letter;
  int bits;
};
// In the order in which Redis shows them; K, E and m stand behind.
constexpr EventLetter kEventLetters[] = {
    {'g', keyspaceEvent::kGeneric},  {'$', keyspaceEvent::kString},  {'l', keyspaceEvent::kList},
    {'s', keyspaceEvent::kSet},      {'h', keyspaceEvent::kHash},    {'z', keyspaceEvent::kSortedSet},
    {'x', keyspaceEvent::kExpired},  {'e', keyspaceEvent::kEvicted}, {'t', keyspaceEvent::kStream},
    {'d', keyspaceEvent::kModule},   {'n', keyspaceEvent::kNew},     {'K', keyspaceEvent::kKeyspace},
    {'E', keyspaceEvent::kKeyevent}, {'m', keyspaceEvent::kKeyMiss},
};

}  // namespace

Result<int> parseKeyspaceEvents(std::string_view letters) {
  int events = 0;
  for (char c : letters) {
    auto found = std::ranges::find(kEventLetters, c, &EventLetter::letter);
    if (c == 'A') {
      events |= keyspaceEvent::kAll;
    } else if (found != std::end(kEventLetters)) {
      events |= found->bits;
    } else {
      return fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    }
  }
  return events;
}

std::string keyspaceEventsText(int events) {
  bool all = (events & keyspaceEvent::kAll) == keyspaceEvent::kAll;
  std::string text = all ? "A" : "";
  for (const EventLetter& entry : kEventLetters) {
    bool inAll = all && (entry.bits & keyspaceEvent::kAll) != 0;
    if (!inAll && (events & entry.bits) != 0) text.push_back(entry.letter);
  }
  return text;
}

OptionTypePtr keyspaceEventsOption(std::atomic<int>& value) {
  auto set = [&value](std::span<const std::string> words, ConfigPhase) -> Status {
    if (words.size() != 1) return fail("wrong number of arguments");
    auto events = parseKeyspaceEvents(words[0]);
    if (!events) return std::unexpected(events.error());
    value.store(*events);
    return {};
  };
  auto lines = [&value](const std::string& name) -> std::vector<RewriteLine> {
    int events = value.load();
    return {{name + " " + quoteArgument(keyspaceEventsText(events)), events != 0}};
  };
  return specialOption({.get = [&value] { return keyspaceEventsText(value.load()); },
                        .set = set,
                        .lines = lines,
                        .description = "letters of Ag$lshzxeKEtmdn",
                        .severalWords = false});
}

OptionTypePtr shutdownFlagsOption(std::atomic<int>& flags) {
  auto validate = [](int chosen) -> Status {
    if ((chosen & shutdownFlag::kSave) == 0 || (chosen & shutdownFlag::kNoSave) == 0) return {};
    return fail("shutdown options SAVE and NOSAVE can't be used simultaneously");
  };
  return flagsOption({[&flags] { return flags.load(); }, [&flags](int v) { flags = v; }},
                     {{"default", 0},
                      {"save", shutdownFlag::kSave},
                      {"nosave", shutdownFlag::kNoSave},
                      {"now", shutdownFlag::kNow},
                      {"force", shutdownFlag::kForce}},
                     validate);
}

}  // namespace vigil
