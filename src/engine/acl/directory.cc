#include "engine/acl/directory.h"

#include "base/log_line.h"
#include "base/ports/files.h"
#include "command/command_table.h"
#include "engine/acl/acl_file.h"
#include "engine/acl/acl_options.h"

namespace vigil::engine::acl {

namespace {

constexpr std::string_view kDefault = "default";

void logDeprecations(Logger& logger, const std::vector<std::string>& rules) {
  for (const std::string& rule : rules) {
    logger.warning(
        "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of ACL and may get "
        "disabled in the future (offender: +" +
        rule + ")");
  }
}

}  // namespace

RuleContext Directory::context() const {
  return {.commands = &commands_, .channelsByDefault = options_.channelsByDefault.load()};
}

// --- Start -----------------------------------------------------------------------------------------------------

Status Directory::start(FileSystem& files) {
  {
    MutexLock guard(mutex_);
    put(newDefaultUser(context()));
    publish();
  }
  options_.passwordChanged = [this] { requirePassword(); };
  options_.describeUsers = [this] {
    std::vector<std::string> lines;
    for (const UserPtr& user : all()) lines.push_back(configurationLine(*user));
    return lines;
  };
  requirePassword();
  const std::string file = options_.file.load();
  if (file.empty()) return loadConfigured();
  if (!options_.users.empty()) {
    return fail(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This "
        "setup is very likely to lead to configuration errors and security holes, please define either an ACL file or "
        "declare users directly in your redis.conf, but not both.");
  }
  auto text = readWholeFile(files, file);
  const std::string aborting = "Aborting Redis startup because of ACL errors: ";
  if (!text) return fail(aborting + openingFailed(file, text.error()));
  auto replaced = replaceFrom(*text, file);
  return replaced ? Status() : fail(aborting + replaced.error().message);
}

Status Directory::loadConfigured() {
  const std::string critical = "Critical error while loading ACLs. Exiting.";
  std::vector<std::string> deprecations;
  RuleContext how = context();
  how.deprecations = &deprecations;
  MutexLock guard(mutex_);
  for (const auto& line : options_.users) {
    if (!isValidUserName(line.name)) {
      logger_.warning("Spaces not allowed in ACL usernames");
      return fail(critical);
    }
    User user = newUser(line.name, how);
    if (line.name == kDefault) (void)applyRule(user, "reset", how);
    for (const std::string& rule : line.rules) {
      auto applied = applyRule(user, rule, how);
      if (applied) continue;
      logger_.warning("Error loading ACL rule '" + rule + "' for the user named '" + line.name +
                      "': " + std::string(textOf(applied.error())));
      return fail(critical);
    }
    if (!user.enabled) {
      logger_.notice("The user '" + line.name +
                     "' is disabled (there is no 'on' modifier in the user description). Make sure this is not a "
                     "configuration error.");
    }
    put(std::move(user));
  }
  logDeprecations(logger_, deprecations);
  publish();
  return {};
}

// --- Questions -------------------------------------------------------------------------------------------------

UserPtr Directory::find(std::string_view name) const {
  MutexLock guard(mutex_);
  auto at = users_.find(name);
  return at == users_.end() ? nullptr : at->second;
}

bool Directory::has(const User& user) const {
  const UserPtr current = find(user.name);
  return current && current->id == user.id;
}

UserPtr Directory::defaultUser() const { return find(kDefault); }

std::vector<UserPtr> Directory::all() const {
  MutexLock guard(mutex_);
  std::vector<UserPtr> list;
  list.reserve(users_.size());
  for (const auto& [name, user] : users_) list.push_back(user);
  return list;
}

std::string Directory::fileText() const {
  std::string text;
  for (const UserPtr& user : all()) text += userLine(*user) + "\n";
  return text;
}

// --- Changes ---------------------------------------------------------------------------------------------------

// The user in place of the one of that name, whose id it keeps; a new name gets a new id.
UserPtr Directory::put(User user) {
  auto& place = users_[user.name];
  user.id = place ? place->id : nextId_++;
  place = std::make_shared<const User>(std::move(user));
  return place;
}

void Directory::publish() {
  const User& user = *users_.find(kDefault)->second;
  defaultHasPassword_.store(!user.noPassword, std::memory_order_relaxed);
  defaultIsOpen_.store(user.noPassword && user.enabled, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
}

void Directory::requirePassword() {
  const std::string password = options_.password.load();
  MutexLock guard(mutex_);
  User user = *users_.find(kDefault)->second;
  (void)applyRule(user, "resetpass", context());  // neither can fail
  (void)applyRule(user, password.empty() ? "nopass" : ">" + password, context());
  put(std::move(user));
  publish();
}

std::expected<UserChange, std::string> Directory::set(std::string_view name, std::span<const std::string_view> rules) {
  auto joined = joinSelectors(rules);
  if (!joined) {
    return std::unexpected("ERR Unmatched parenthesis in acl selector starting at '" +
                           std::string(rules[joined.error()]) + "'.");
  }
  std::vector<std::string> deprecations;
  RuleContext how = context();
  how.deprecations = &deprecations;
  UserChange change;
  {
    MutexLock guard(mutex_);
    auto at = users_.find(name);
    if (at != users_.end()) change.before = at->second;
    User user = change.before ? *change.before : newUser(name, how);
    for (const std::string& rule : *joined) {
      auto applied = applyRule(user, rule, how);
      if (!applied) {
        // As far as its first null character, which is what Redis shows.
        return std::unexpected("ERR Error in ACL SETUSER modifier '" + std::string(rule.c_str()) +
                               "': " + std::string(textOf(applied.error())));
      }
    }
    change.after = put(std::move(user));
    publish();
  }
  logDeprecations(logger_, deprecations);
  return change;
}

UserPtr Directory::remove(std::string_view name) {
  if (name == kDefault) return nullptr;
  MutexLock guard(mutex_);
  auto at = users_.find(name);
  if (at == users_.end()) return nullptr;
  UserPtr removed = std::move(at->second);
  users_.erase(at);
  publish();
  return removed;
}

Result<std::vector<UserChange>> Directory::replaceFrom(std::string_view text, const std::string& path) {
  std::vector<std::string> deprecations;
  RuleContext how = context();
  how.deprecations = &deprecations;
  auto read = readUsers(text, path, how);
  if (!read) return std::unexpected(read.error());
  logDeprecations(logger_, deprecations);
  std::vector<UserChange> changes;
  MutexLock guard(mutex_);
  Users old = std::move(users_);
  users_.clear();
  for (User& user : *read) {
    auto at = old.find(user.name);
    const bool same = at != old.end() && (user.name == kDefault || at->second->describe() == user.describe());
    if (same) users_[user.name] = at->second;  // for its id
    put(std::move(user));
  }
  if (!users_.contains(kDefault)) {
    users_[std::string(kDefault)] = old.find(kDefault)->second;
    put(newDefaultUser(how));
  }
  for (auto& [name, before] : old) {
    auto at = users_.find(name);
    changes.push_back({std::move(before), at == users_.end() ? nullptr : at->second});
  }
  publish();
  return changes;
}

}  // namespace vigil::engine::acl
