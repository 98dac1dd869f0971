#include "sim/mixed_workload.h"

#include <algorithm>

namespace vigil::sim {

namespace {

std::string key(size_t group, const char* name) { return "g" + std::to_string(group) + ":" + name; }

bool isRefusal(const std::string& answer) {
  for (const char* word : {"-LOADING", "-EXECABORT", "-READONLY", "-MASTERDOWN", "-NOREPLICAS"}) {
    if (answer == word) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> MixedWorkload::keysOf(size_t group) {
  return {key(group, "a"), key(group, "n"), key(group, "x"), key(group, "l"), key(group, "m")};
}

size_t MixedWorkload::longest() const {
  size_t most = 0;
  for (const auto& history : histories_) most = std::max(most, history.size());
  return most;
}

Words MixedWorkload::simple(size_t g) {
  switch (random_.below(mix_.expiry ? 16 : 14)) {
    case 0:
    case 1:
      return {"SET", key(g, "a"), unique()};
    case 2:
    case 3:
      return {"GET", key(g, "a")};
    case 4:
      return {"APPEND", key(g, "a"), unique()};
    case 5:
    case 6:
      return {"INCR", key(g, "n")};
    case 7:
      return {"DEL", key(g, "a"), key(g, "n")};
    case 8:
    case 9:
      return {"RPUSH", key(g, "l"), unique(), unique()};
    case 10:
      return {"LPUSH", key(g, "m"), unique()};
    case 11:
      return {random_.chance(0.5) ? "LPOP" : "RPOP", key(g, random_.chance(0.5) ? "l" : "m")};
    case 12:
      return {"LRANGE", key(g, "l"), "0", "-1"};
    case 13:
      return {"LMOVE", key(g, "l"), key(g, "m"), "LEFT", "RIGHT"};
    case 14:
      return {"SET", key(g, "x"), unique(), "PX", std::to_string(random_.between(2, 400))};
    default:
      return {"GET", key(g, "x")};
  }
}

Request MixedWorkload::plain(size_t group) {
  Request request;
  request.operation.group = group;
  request.operation.commands = {simple(group)};
  return request;
}

Request MixedWorkload::blocking(size_t group) {
  Request request;
  request.operation.group = group;
  std::string timeout = random_.chance(0.5) ? "0.05" : "1.5";
  if (random_.chance(0.7)) {
    request.operation.commands = {{"BLPOP", key(group, "l"), key(group, "m"), timeout}};
  } else {
    request.operation.commands = {{"BLMOVE", key(group, "m"), key(group, "l"), "LEFT", "RIGHT", timeout}};
  }
  return request;
}

Request MixedWorkload::transaction(size_t group) {
  Request request;
  request.operation.group = group;
  if (random_.chance(0.5)) {
    request.shape = Request::Shape::kWatched;
    request.operation.commands = {{"GET", key(group, "a")}};
    return request;
  }
  request.shape = Request::Shape::kExec;
  for (uint64_t i = 0, count = 2 + random_.below(3); i < count; ++i) {
    request.operation.commands.push_back(simple(group));
  }
  return request;
}

std::vector<Request> MixedWorkload::next(int, const std::vector<Request>& last) {
  if (!last.empty() && last.back().shape == Request::Shape::kWatched &&
      !last.back().operation.answers[0].starts_with('-')) {
    const Operation& read = last.back().operation;
    Request cas;
    cas.shape = Request::Shape::kCas;
    cas.operation.group = read.group;
    cas.operation.commands = {{"CAS", read.commands[0][1], read.answers[0], unique()}};
    return {cas};
  }
  size_t group = random_.below(mix_.groups);
  if (mix_.wholeKeyspace && random_.chance(0.03)) {
    Request world;
    world.operation.group = group;
    world.operation.commands = {{"SWAPDB", "1", "2"}};
    return {world};
  }
  double dice = static_cast<double>(random_.below(100)) / 100;
  if (mix_.blocking && dice < 0.12) return {blocking(group)};
  if (mix_.transactions && dice < 0.30) return {transaction(group)};
  std::vector<Request> batch;
  for (uint64_t i = 0, count = random_.chance(0.7) ? 1 : 2 + random_.below(4); i < count; ++i) {
    batch.push_back(plain(random_.below(mix_.groups)));
  }
  return batch;
}

void MixedWorkload::finished(const Request& request) {
  Operation operation = request.operation;
  if (operation.answered != kNeverAnswered) {
    ++answered_;
    // EXEC that a watched key had stopped: nothing happened.
    if (request.shape == Request::Shape::kCas) {
      if (operation.answers[0] == "(nil)") return;
      operation.answers[0] = operation.answers[0] == "[+OK]" ? "+OK" : operation.answers[0];
    }
    // After a watched read that was refused, the watch stays.
    bool stopped = request.shape == Request::Shape::kExec && operation.answers == std::vector<std::string>{"(nil)"};
    if (stopped && mix_.refusals) return;
    if (mix_.refusals && isRefusal(operation.answers[0])) return;
    if (mix_.refusals && operation.answers[0] == "-MISCONF") {
      // Refused before it ran, or done and not made durable: then it may be there after a restart.
      operation.answered = kNeverAnswered;
      operation.answers.clear();
    }
  }
  histories_[operation.group].push_back(std::move(operation));
}

namespace {

Words readOf(const std::string& key) {
  bool list = key.ends_with(":l") || key.ends_with(":m");
  return list ? Words{"LRANGE", key, "0", "-1"} : Words{"GET", key};
}

}  // namespace

std::vector<Request> MixedWorkload::readAll(size_t group) const {
  std::vector<Request> reads;
  for (const std::string& name : keysOf(group)) {
    Request read;
    read.operation.group = group;
    read.operation.commands = {readOf(name)};
    reads.push_back(std::move(read));
  }
  return reads;
}

std::vector<Words> MixedWorkload::readsOf(size_t group) {
  std::vector<Words> reads;
  for (const std::string& name : keysOf(group)) {
    if (!name.ends_with(":x")) reads.push_back(readOf(name));
  }
  return reads;
}

}  // namespace vigil::sim
