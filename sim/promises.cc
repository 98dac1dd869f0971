#include "sim/promises.h"

#include <algorithm>
#include <charconv>

namespace vigil::sim {

namespace {

std::string listKey(size_t group, bool second) { return "g" + std::to_string(group) + (second ? ":m" : ":l"); }

// "[$v1, $v2]", as render() has it.
std::vector<std::string> itemsOf(std::string_view answer) {
  std::vector<std::string> items;
  while (answer.size() > 2) {
    answer.remove_prefix(answer.starts_with('[') ? 2 : 3);
    const size_t end = answer.find_first_of(",]");
    items.emplace_back(answer.substr(0, end));
    answer.remove_prefix(end);
    if (answer == "]") break;
  }
  return items;
}

// The node did not do it, and says so.
bool isRefusal(const std::string& answer) {
  static constexpr std::string_view kWords[] = {"-READONLY",   "-EXECABORT", "-LOADING",
                                                "-MASTERDOWN", "-UNBLOCKED", "-ERR"};
  return std::ranges::find(kWords, answer) != std::end(kWords);
}

int integer(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

// --- Asking ----------------------------------------------------------------------------------------------------

Request Promises::push(int client) {
  const size_t group = random_.below(groups_);
  const std::string value = "v" + std::to_string(++values_);
  Request request;
  request.shape = Request::Shape::kExec;
  request.operation.group = group;
  request.operation.commands = {{"RPUSH", listKey(group, false), value},
                                {"RPUSH", listKey(group, true), value},
                                {"LRANGE", listKey(group, false), "0", "-1"}};
  latest_[client] = std::nullopt;
  return request;
}

std::optional<Request> Promises::wait() {
  const double dice = static_cast<double>(random_.below(100)) / 100;
  if (dice < 0.3) return std::nullopt;
  Request request;
  const std::string replicas = std::to_string(random_.below(replicas_ + 1));
  const std::string timeout = std::to_string(random_.skewed(1, 2000));
  if (dice < 0.7) {
    request.operation.commands = {{"WAIT", replicas, timeout}};
  } else {
    request.operation.commands = {{"WAITAOF", std::to_string(random_.below(2)), replicas, timeout}};
  }
  return request;
}

std::vector<Request> Promises::next(int client, const std::vector<Request>&) {
  std::vector<Request> batch{push(client)};
  if (auto request = wait()) batch.push_back(std::move(*request));
  return batch;
}

// --- What they were told -----------------------------------------------------------------------------------------

void Promises::finished(const Request& request) {
  const Operation& operation = request.operation;
  if (operation.answered == kNeverAnswered) return;
  ++answered_;
  if (isRefusal(operation.answers[0])) return;
  if (request.shape == Request::Shape::kExec) {
    pushed(operation);
  } else {
    waited(operation);
  }
}

void Promises::pushed(const Operation& operation) {
  if (operation.answers.size() != 3 || !operation.answers[0].starts_with(':') ||
      operation.answers[0] != operation.answers[1]) {
    return fail("an answer that makes no sense: " + describe(operation));
  }
  const std::string& value = operation.commands[0][2];
  const std::vector<std::string> items = itemsOf(operation.answers[2]);
  if (items.empty() || items.back() != value) return fail("does not end with what was added: " + describe(operation));
  see(operation.group, {operation.answers[2], operation.answers[2]}, "a master");
  latest_[operation.client] = kept_.size();
  kept_.push_back({.group = operation.group, .value = value, .asked = operation.called});
}

void Promises::waited(const Operation& operation) {
  const auto latest = latest_[operation.client];
  if (!latest) return;
  Promise& promise = kept_[*latest];
  const std::string& answer = operation.answers[0];
  if (operation.commands[0][0] == "WAIT") {
    promise.copies = std::max(0, integer(answer.substr(1)) - since(copiesLost_, operation.called));
  } else {
    promise.local = answer.starts_with("[:1");
    promise.disks = std::max(0, integer(answer.substr(answer.find(", :") + 3)) - since(disksLost_, operation.called));
  }
}

int Promises::since(const std::vector<SimTime>& losses, SimTime asked) const {
  return static_cast<int>(std::ranges::count_if(losses, [asked](SimTime loss) { return loss >= asked; }));
}

std::vector<Words> Promises::readsOf(size_t group) {
  return {{"LRANGE", listKey(group, false), "0", "-1"}, {"LRANGE", listKey(group, true), "0", "-1"}};
}

std::vector<Words> Promises::readAll() const {
  std::vector<Words> reads;
  for (size_t group = 0; group < groups_; ++group) {
    for (Words& read : readsOf(group)) reads.push_back(std::move(read));
  }
  return reads;
}

void Promises::see(size_t group, const std::vector<std::string>& answers, const std::string& who) {
  if (answers[0] != answers[1]) return fail(who + " shows half of a transaction: " + answers[0] + " and " + answers[1]);
  std::string last = "the beginning";
  for (std::string& item : itemsOf(answers[0])) {
    auto [at, first] = before_[group].try_emplace(item, last);
    if (!first && at->second != last) {
      return fail(who + " shows " + item + " behind " + last + "; it was added behind " + at->second +
                  ": no master ever held that");
    }
    last = std::move(item);
  }
}

// --- What must hold ----------------------------------------------------------------------------------------------

void Promises::lessCopies(SimTime now, int count) {
  copiesLost_.insert(copiesLost_.end(), static_cast<size_t>(count), now);
  for (Promise& promise : kept_) promise.copies = std::max(0, promise.copies - count);
}

void Promises::lessDisks(SimTime now, int count) {
  disksLost_.insert(disksLost_.end(), static_cast<size_t>(count), now);
  for (Promise& promise : kept_) promise.disks = std::max(0, promise.disks - count);
}

void Promises::powerLost() {
  for (Promise& promise : kept_) promise.copies = 0;
}

void Promises::masterReplaced() {
  for (Promise& promise : kept_) promise.local = false;
}

void Promises::check(const std::vector<std::string>& answers, const Needed& needed, const std::string& when) {
  std::vector<std::vector<std::string>> held;  // sorted, by group
  for (size_t group = 0; group < groups_; ++group) {
    see(group, {answers[2 * group], answers[2 * group + 1]}, "the master");
    held.push_back(itemsOf(answers[2 * group]));
    std::ranges::sort(held.back());
  }
  std::erase_if(kept_, [&](const Promise& promise) {
    if (std::ranges::binary_search(held[promise.group], promise.value)) return false;
    if (promise.copies >= needed.copies || promise.disks >= needed.disks || (needed.local && promise.local)) {
      fail(when + ": " + promise.value + " of group " + std::to_string(promise.group) + " (asked at " +
           std::to_string(promise.asked) + ") is lost, which " + std::to_string(promise.copies) +
           " replicas had in memory and " + std::to_string(promise.disks) + " on disk" +
           (promise.local ? ", and the master on its own" : ""));
    }
    return true;
  });
  latest_.clear();  // numbers in kept_
}

// --- The onlooker ------------------------------------------------------------------------------------------------

Watcher::Watcher(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, size_t groups,
                 Promises& promises, std::function<size_t()> version)
    : world_(world),
      name_(node.host),
      promises_(promises),
      version_(std::move(version)),
      looks_(groups),
      client_(world, network, number, *this) {
  client_.target = [node] { return node; };
  client_.thinkLeast = 50 * kMs;
  client_.thinkMost = kSecond;
}

std::vector<Request> Watcher::next(int, const std::vector<Request>&) {
  Request look;
  look.shape = Request::Shape::kExec;
  look.operation.group = world_.random().below(looks_.size());
  look.operation.commands = Promises::readsOf(look.operation.group);
  asked_ = version_();
  return {look};
}

void Watcher::finished(const Request& request) {
  const Operation& operation = request.operation;
  if (operation.answers.size() != operation.commands.size()) return;
  promises_.see(operation.group, operation.answers, name_);
  Look& last = looks_[operation.group];
  const std::string& list = operation.answers[0];
  // "[$v1, $v2" is the beginning of what comes after "[$v1, $v2]".
  const bool grown = list.starts_with(std::string_view(last.list).substr(0, last.list.size() - 1));
  if (!grown && last.version == version_() && !failure_) {
    failure_ = name_ + " went back without a full resync: it showed " + last.list + ", then " + list;
  }
  last = {asked_, list};
}

}  // namespace vigil::sim
