#include "sim/sentinel_clients.h"

#include <algorithm>

namespace vigil::sim {

namespace {

constexpr int kFinders = 20;  // numbers of clients that only ask Sentinels
constexpr SimTime kPatience = 2 * kSecond;

// "[$10.0.0.10, $6379]"
std::string hostIn(const std::string& answer) {
  const size_t from = answer.find('$');
  return answer.starts_with("[$") ? answer.substr(from + 1, answer.find(',') - from - 1) : std::string();
}

}  // namespace

SentinelClient::SentinelClient(SimWorld& world, SimNetwork& network, int number, std::vector<Endpoint> sentinels,
                               Endpoint first)
    : world_(world),
      number_(number),
      sentinels_(std::move(sentinels)),
      master_(std::move(first)),
      finder_(world, network, kFinders + number, finding_),
      writer_(world, network, number, writing_) {
  finder_.target = [this] { return sentinels_[world_.random().below(sentinels_.size())]; };
  finder_.thinkLeast = 50 * kMs;
  finder_.thinkMost = kSecond;
  finder_.patience = kPatience;
  writer_.target = [this] { return master_; };
  writer_.thinkLeast = 5 * kMs;
  writer_.thinkMost = 300 * kMs;
  writer_.patience = kPatience;
}

void SentinelClient::start() {
  finder_.start();
  writer_.start();
}

void SentinelClient::stop() {
  finder_.stop();
  writer_.stop();
}

std::vector<std::string> SentinelClient::hosts() const {
  return {"client" + std::to_string(number_), "client" + std::to_string(kFinders + number_)};
}

void SentinelClient::reconnect() {
  if (std::exchange(reconnecting_, true)) return;
  world_.after(kMs, [this] {
    reconnecting_ = false;
    writer_.hold();
    writer_.release();
  });
}

std::vector<Request> SentinelClient::Finding::next(int, const std::vector<Request>&) {
  Request ask;
  ask.operation.commands = {{"SENTINEL", "get-master-addr-by-name", "m"}};
  return {ask};
}

void SentinelClient::Finding::finished(const Request& request) {
  if (request.operation.answers.empty()) return;
  const std::string host = hostIn(request.operation.answers[0]);
  if (host.empty() || host == owner_.master_.host) return;
  owner_.master_.host = host;
  owner_.reconnect();
}

std::vector<Request> SentinelClient::Writing::next(int, const std::vector<Request>&) {
  Request write;
  write.operation.commands = {{"SET", owner_.key(), std::to_string(++owner_.sent_)}};
  return {write};
}

void SentinelClient::Writing::finished(const Request& request) {
  const Operation& operation = request.operation;
  if (operation.answers.empty()) return;
  ++owner_.answers_;
  if (operation.answers[0] == "+OK") {
    owner_.acknowledged_ = std::max<int64_t>(owner_.acknowledged_, std::stoll(operation.commands[0][2]));
  } else {
    owner_.reconnect();  // a replica, one that loads, one that has too few replicas: the master may be elsewhere
  }
}

}  // namespace vigil::sim
