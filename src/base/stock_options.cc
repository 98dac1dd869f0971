#include "base/stock_options.h"

#include <algorithm>
#include <utility>

#include "base/stock_options_table.h"

namespace vigil {

namespace {

std::vector<EnumName> splitChoices(const char* choices) {
  std::vector<EnumName> names;
  std::string_view rest = choices;
  for (int value = 0;; ++value) {
    size_t end = rest.find('|');
    names.push_back({std::string(rest.substr(0, end)), value});
    if (end == std::string_view::npos) return names;
    rest.remove_prefix(end + 1);
  }
}

std::function<Status(const std::string&)> validatorOf(const stock::Row& row) {
  std::string name = row.name;
  bool mayBeEmpty = (row.flags & stock::kNotEmpty) == 0;
  if (row.kind == stock::Kind::kFileName) return fileNameValidator(name, mayBeEmpty);
  if (row.kind == stock::Kind::kHostName) return validateHostName;
  if (mayBeEmpty) return nullptr;
  return [name](const std::string& text) -> Status { return text.empty() ? fail(name + " can't be empty") : Status(); };
}

OptionRow describeRow(const stock::Section& section, const stock::Row& row) {
  return {.name = row.name,
          .alias = row.alias,
          .immutable = (row.flags & stock::kImmutable) != 0,
          .hidden = (row.flags & stock::kHidden) != 0,
          .sensitive = (row.flags & stock::kSensitive) != 0,
          .isProtected = (row.flags & stock::kProtected) != 0,
          .deniedWhileLoading = (row.flags & stock::kDeniedWhileLoading) != 0,
          .standing = section.standing,
          .reason = section.reason};
}

IntegerForm formOf(stock::Kind kind) {
  if (kind == stock::Kind::kMemory) return IntegerForm::kMemory;
  if (kind == stock::Kind::kPercentOrMemory) return IntegerForm::kPercentOrMemory;
  if (kind == stock::Kind::kOctal) return IntegerForm::kOctal;
  return IntegerForm::kDecimal;
}

OptionTypePtr typeOf(const stock::Row& row, std::atomic<int64_t>& number, SharedString& text) {
  number = row.number;
  switch (row.kind) {
    case stock::Kind::kYesNo:
      return boolOption({[&number] { return number.load() != 0; }, [&number](bool yes) { number = yes; }});
    case stock::Kind::kChoice:
      return enumOption({[&number] { return static_cast<int>(number.load()); }, [&number](int v) { number = v; }},
                        splitChoices(row.text));
    case stock::Kind::kText:
    case stock::Kind::kFileName:
    case stock::Kind::kHostName:
      text.store(row.text);
      return stringOption(text, validatorOf(row), (row.flags & stock::kEmptyIsValue) != 0 ? EmptyText::kValue : EmptyText::kUnset);
    default:
      return integerOption(number, {row.min, row.max, formOf(row.kind)});
  }
}

struct RefusedDirective {
  const char* name;
  size_t minWords;
  size_t maxWords;
  const char* text;
};

constexpr RefusedDirective kRefused[] = {
    {"rename-command", 2, 2, "rename-command is not supported: forbid commands with ACL rules"},
    {"loadmodule", 1, SIZE_MAX, "modules cannot be loaded"},
    {"sentinel", 1, SIZE_MAX, "sentinel directive while not in sentinel mode"},
};

// Redis reads and forgets these too.
constexpr const char* kObsolete[] = {"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"};

}  // namespace

void StockOptions::registerMissing(ConfigRegistry& registry) {
  for (const stock::Section& section : stock::sections()) {
    for (const stock::Row& row : section.rows) {
      if (registry.contains(row.name) || (*row.alias != '\0' && registry.contains(row.alias))) continue;
      Value& value = values_.emplace_back();
      registry.add(describeRow(section, row), typeOf(row, value.number, value.text));
    }
  }
  registerSpecials(registry);
  for (const RefusedDirective& refused : kRefused) {
    if (registry.containsDirective(refused.name)) continue;
    registry.addDirective({.name = refused.name,
                           .minWords = refused.minWords,
                           .maxWords = refused.maxWords,
                           .load = [&refused](std::span<const std::string>) -> Status { return fail(refused.text); }});
  }
  for (const char* name : kObsolete) {
    if (!registry.containsDirective(name)) {
      registry.addDirective({.name = name, .minWords = 1, .maxWords = 1, .obsolete = true});
    }
  }
}

void StockOptions::registerSpecials(ConfigRegistry& registry) {
  auto add = [&registry](OptionRow row, const char* reason, auto makeType) {
    if (registry.contains(row.name) || (!row.alias.empty() && registry.contains(row.alias))) return;
    row.standing = OptionStanding::kNotYet;
    row.reason = reason;
    registry.add(std::move(row), makeType());
  };
  add({.name = "save"}, "RDB and AOF", [&] { return savePointsOption(save_); });
  add({.name = "bind"}, "clients and sockets", [&] { return addressListOption(bind_); });
  add({.name = "client-output-buffer-limit"}, "clients and sockets",
      [&] { return outputBufferLimitsOption(outputBufferLimits_); });
  add({.name = "replicaof", .alias = "slaveof", .immutable = true}, "replication",
      [&] { return masterAddressOption(replicaOf_); });
  add({.name = "notify-keyspace-events"}, "keyspace notifications",
      [&] { return keyspaceEventsOption(keyspaceEvents_); });
  add({.name = "latency-tracking-info-percentiles"}, "logs of slow commands, tracking and scripts",
      [&] { return percentilesOption(percentiles_); });
  add({.name = "oom-score-adj-values"}, "the process and its log",
      [&] { return integerListOption(oomScores_, -2000, 2000); });
  add({.name = "proc-title-template"}, "the process and its log",
      [&] { return stringOption(procTitle_, validateTitleTemplate); });
  add({.name = "shutdown-on-sigint"}, "the process and its log", [&] { return shutdownFlagsOption(shutdownOnSigint_); });
  add({.name = "shutdown-on-sigterm"}, "the process and its log", [&] { return shutdownFlagsOption(shutdownOnSigterm_); });
}

namespace {

std::string escapeCell(std::string_view text) {
  std::string cell;
  for (char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

void appendTable(std::string& page, const std::vector<const ConfigRegistry::Option*>& options, bool withReason) {
  page += withReason ? "| option | values | default | why |\n|---|---|---|---|\n"
                     : "| option | values | default | CONFIG SET |\n|---|---|---|---|\n";
  for (const ConfigRegistry::Option* option : options) {
    const OptionRow& row = option->row;
    page += "| `" + row.name + "`" + (row.alias.empty() ? "" : " (`" + row.alias + "`)");
    page += " | " + escapeCell(option->type->describe());
    if (!row.defaultNote.empty()) {
      page += " | " + row.defaultNote;
    } else {
      page += " | " + (option->defaultText.empty() ? "" : "`" + escapeCell(option->defaultText) + "`");
    }
    page += " | " + escapeCell(withReason ? row.reason : row.immutable ? "no: at start only" : "yes") + " |\n";
  }
}

}  // namespace

std::string optionsPage(const ConfigRegistry& registry) {
  struct Part {
    OptionStanding standing;
    const char* title;
    const char* text;
  };
  static constexpr Part kParts[] = {
      {OptionStanding::kHonoured, "What works", "These do what Redis's documentation says of them."},
      {OptionStanding::kNotYet, "Not yet", "These are accepted, checked and shown, but have no effect yet."},
      {OptionStanding::kNoMeaning, "Without meaning here", "These are accepted, checked and shown, and never needed."},
  };
  std::string page =
      "# Options\n\nEvery option of redis.conf and CONFIG, and what it does in Vigil. This page is generated from the\n"
      "server's own table: do not edit it.\n";
  for (const Part& part : kParts) {
    std::vector<const ConfigRegistry::Option*> options;
    for (const auto& option : registry.options()) {
      if (option->row.standing == part.standing && !option->row.hidden) options.push_back(option.get());
    }
    if (options.empty()) continue;
    std::ranges::sort(options, {}, [](const auto* option) { return option->row.name; });
    page += "\n## " + std::string(part.title) + "\n\n" + part.text + "\n\n";
    appendTable(page, options, part.standing != OptionStanding::kHonoured);
  }
  return page;
}

}  // namespace vigil
