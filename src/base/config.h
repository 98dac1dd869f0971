// The configuration: rows of options that their owners register, and what CONFIG and the configuration file do to them.
//
//   registry.add({.name = "appendonly", .deniedWhileLoading = true, .apply = [this] { return applyAppendOnly(); }},
//                boolOption(appendOnly_));
//   registry.add({.name = "replica-priority", .alias = "slave-priority"}, integerOption(priority_, {0, INT_MAX}));
//
// Rows are registered before the file is read and never go. What the variable holds then is the default. While the
// file is read values are only stored: owners start afterwards and find them. CONFIG SET stores all values, then calls
// each changed row's apply(); if one refuses, all old values come back and are applied again.
//
// Not thread safe: whoever carries out CONFIG calls it from one thread at a time. Values themselves are read by anyone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config_rewrite.h"
#include "base/config_types.h"
#include "base/ports/event_loop.h"
#include "base/result.h"

namespace vigil {

class Logger;

// What an option does here. The last two come with a reason for the documentation.
enum class OptionStanding { kHonoured, kNotYet, kNoMeaning };

struct OptionRow {
  std::string name = {};
  std::string alias = {};           // another name that is accepted and shown too
  bool immutable = false;           // only at start
  bool hidden = false;              // CONFIG GET shows it for its exact name alone
  bool sensitive = false;           // a secret: keep its value out of MONITOR, the slow log and the like
  bool isProtected = false;         // CONFIG SET only where enable-protected-configs allows it
  bool appliedWhenEqual = false;    // CONFIG SET applies it also if the value stays: it names something that changes
  bool deniedWhileLoading = false;  // no CONFIG SET while the data set is loaded
  OptionStanding standing = OptionStanding::kHonoured;
  std::string reason = {};
  std::string defaultNote = {};         // for the documentation, where the default depends on the machine
  std::function<Status()> apply = {};  // makes a running server follow the stored value
  // Calls back, on any thread, when what apply() began on other threads is done.
  std::function<void(Task)> settle = {};
};

// A line of the configuration file that is no option of CONFIG: user, loadmodule, rename-command, sentinel.
struct ConfigDirective {
  std::string name = {};
  size_t minWords = 0;
  size_t maxWords = SIZE_MAX;
  std::function<Status(std::span<const std::string> words)> load = {};
  // All its lines as of now; without it CONFIG REWRITE keeps the old lines.
  std::function<std::vector<RewriteOption>()> rewrite = {};
  bool obsolete = false;  // Redis reads and forgets it; CONFIG REWRITE makes it a comment
};

// Whose CONFIG SET it is, and when.
struct ConfigSetContext {
  bool loading = false;
  bool mayChangeProtected = true;
  Logger* logger = nullptr;
  std::vector<std::function<void(Task)>>* settling = nullptr;  // gets the settle() of each row that was applied
};

class ConfigRegistry {
 public:
  struct Option {
    OptionRow row;
    OptionTypePtr type;
    std::string defaultText;
  };
  using Pair = std::pair<std::string, std::string>;

  // The name must be free: one option has one owner.
  void add(OptionRow row, OptionTypePtr type);
  void addDirective(ConfigDirective directive);
  bool contains(std::string_view name) const { return find(name) != nullptr; }  // option or alias, any case
  bool containsDirective(const std::string& name) const { return directives_.contains(name); }
  const Option* find(std::string_view name) const;
  bool isSensitive(std::string_view name) const;
  const std::vector<std::unique_ptr<Option>>& options() const { return options_; }  // in order of registration

  // One line of the file or the command line, its name in lower case: the sink of a ConfigReader.
  Status loadDirective(const std::string& name, std::span<const std::string> words,
                       ConfigPhase phase = ConfigPhase::kStart);

  // CONFIG GET: names and values. A name without * ? [ is looked up in any case and shown as it was asked for; a
  // pattern matches names and aliases in any case.
  std::vector<Pair> get(std::span<const std::string> patterns) const;
  // CONFIG SET: all pairs or none. The error's message is the reply without its leading -.
  Status set(std::span<const Pair> pairs, const ConfigSetContext& context = {});
  // CONFIG REWRITE: the new text of the file. `all`: also what holds by default anyway.
  std::string rewrite(std::string_view oldText, bool all = false) const;

  // Names of options that were given a value other than the default but do nothing here, or not yet: for a warning.
  std::vector<std::string> ineffective() const;

 private:
  using Change = std::pair<Option*, std::string>;  // and its old text

  Result<std::vector<Option*>> resolve(std::span<const Pair> pairs, const ConfigSetContext& context) const;
  void restore(std::span<const Change> changes, bool apply, Logger* logger = nullptr) const;
  Status applyAll(std::span<Option* const> changed, std::span<const Change> backup, Logger* logger) const;

  std::vector<std::unique_ptr<Option>> options_;
  std::map<std::string, Option*, std::less<>> byName_;  // names and aliases
  std::map<std::string, ConfigDirective, std::less<>> directives_;
};

}  // namespace vigil
