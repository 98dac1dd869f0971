#include "sim/questions.h"

#include <utility>

#include "sim/mixed_workload.h"

namespace vigil::sim {

namespace {

class Once final : public Workload {
 public:
  explicit Once(std::vector<Request> requests) : requests_(std::move(requests)) {}
  std::vector<Request> next(int, const std::vector<Request>&) override { return std::exchange(requests_, {}); }
  void finished(const Request& request) override {
    ++finished_;
    lost_ = lost_ || request.operation.answered == kNeverAnswered;
    for (const std::string& answer : request.operation.answers) answers_.push_back(answer);
  }

  size_t finished_ = 0;
  bool lost_ = false;
  std::vector<std::string> answers_;

 private:
  std::vector<Request> requests_;
};

}  // namespace

std::optional<std::vector<std::string>> ask(SimWorld& world, SimNetwork& network, const Endpoint& node,
                                            std::vector<Words> commands, bool transaction, SimTime atMost) {
  std::vector<Request> requests;
  if (transaction) {
    requests.emplace_back().shape = Request::Shape::kExec;
    requests.back().operation.commands = std::move(commands);
  } else {
    for (Words& command : commands) requests.emplace_back().operation.commands = {std::move(command)};
  }
  const size_t count = requests.size();
  Once once(std::move(requests));
  SimClient client(world, network, 98, once);
  client.target = [node] { return node; };
  client.start();
  bool all = world.runUntil([&] { return once.finished_ >= count; }, atMost);
  client.stop();
  if (!all || once.lost_) return std::nullopt;
  return once.answers_;
}

Order::Order(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, Words words)
    : words_(std::move(words)), client_(world, network, number, *this) {
  client_.target = [node] { return node; };
  client_.start();
}

std::vector<Request> Order::next(int, const std::vector<Request>&) {
  if (words_.empty()) return {};
  Request request;
  request.operation.commands = {std::exchange(words_, {})};
  client_.stop();
  return {request};
}

Onlooker::Onlooker(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, size_t groups,
                   std::function<void(const Request&)> seen)
    : world_(world), groups_(groups), seen_(std::move(seen)), client_(world, network, number, *this) {
  client_.target = [node] { return node; };
  client_.thinkLeast = 50 * kMs;
  client_.thinkMost = 2 * kSecond;
}

std::vector<Request> Onlooker::next(int, const std::vector<Request>&) {
  Request look;
  look.shape = Request::Shape::kExec;
  look.operation.group = world_.random().below(groups_);
  look.operation.commands = MixedWorkload::readsOf(look.operation.group);
  return {look};
}

void Onlooker::finished(const Request& request) {
  if (request.operation.answers.size() == request.operation.commands.size()) seen_(request);
}

}  // namespace vigil::sim
