#include "sim/scenario.h"

#include <algorithm>

#include "sim/planted.h"

namespace vigil::sim {

Outcome runScenario(const Scenario& scenario, uint64_t seed, std::FILE* trace) {
  SimWorld world(seed);
  if (trace) world.printTrace(trace);
  // Half of the runs find locks busy, a few of them most of the time.
  static constexpr double kBusy[] = {0, 0, 0, 0.02, 0.1, 0.4};
  BusyLocks busy(world.random(), kBusy[world.random().below(std::size(kBusy))]);
  Outcome outcome;
  scenario.run(world, outcome);
  outcome.events = world.events();
  outcome.traceHash = world.traceHash();
  return outcome;
}

namespace {

// Asks what it is given, once.
class ReadOnce final : public Workload {
 public:
  ReadOnce(MixedWorkload& into, std::vector<Request> requests) : into_(into), requests_(std::move(requests)) {}
  std::vector<Request> next(int, const std::vector<Request>&) override { return std::exchange(requests_, {}); }
  void finished(const Request& request) override {
    done_ = true;
    into_.finished(request);
  }
  bool done() const { return done_; }

 private:
  MixedWorkload& into_;
  std::vector<Request> requests_;
  bool done_ = false;
};

}  // namespace

Clients::Clients(SimWorld& world, SimNetwork& network, size_t count, const MixedWorkload::Mix& mix,
                 std::function<Endpoint(int)> target)
    : world_(world), network_(network), workload_(world.random(), mix), initial_(mix.groups) {
  for (size_t i = 0; i < count; ++i) {
    int number = static_cast<int>(i);
    clients_.push_back(std::make_unique<SimClient>(world, network, number, workload_));
    clients_.back()->target = [target, number] { return target(number); };
  }
}

std::vector<std::string> Clients::hosts() const {
  std::vector<std::string> hosts;
  for (size_t i = 0; i < clients_.size(); ++i) hosts.push_back("client" + std::to_string(i));
  return hosts;
}

void Clients::setThinkTime(SimTime least, SimTime most) {
  for (auto& client : clients_) {
    client->thinkLeast = least;
    client->thinkMost = most;
  }
}

void Clients::start() {
  for (auto& client : clients_) client->start();
}

void Clients::finish() {
  for (auto& client : clients_) client->stop();
  auto idle = [this] {
    for (auto& client : clients_) {
      if (!client->idle()) return false;
    }
    return true;
  };
  if (!world_.runUntil(idle, 30 * kSecond)) hangs_ = true;
}

void Clients::readEverything(const Endpoint& from) {
  std::vector<Request> reads;
  for (size_t group = 0; group < workload_.histories().size(); ++group) {
    for (Request& read : workload_.readAll(group)) reads.push_back(std::move(read));
  }
  ReadOnce once(workload_, std::move(reads));
  SimClient reader(world_, network_, 99, once);
  reader.target = [from] { return from; };
  reader.start();
  world_.runUntil([&] { return once.done(); }, 20 * kSecond);
  reader.stop();
  if (!world_.runUntil([&] { return reader.idle(); }, 20 * kSecond) || !once.done()) hangs_ = true;
}

void Clients::hold() {
  for (auto& client : clients_) client->hold();
}

void Clients::release() {
  for (auto& client : clients_) client->release();
}

void Clients::checkRecovery(const Endpoint& node, SimTime death, Window when, Outcome& outcome) {
  auto histories = workload_.takeHistories();
  readEverything(node);
  auto reads = workload_.takeHistories();
  if (hangs_) {
    outcome.failure = "the node that recovered does not answer";
    return;
  }
  for (size_t group = 0; group < histories.size() && !outcome.failure; ++group) {
    auto& history = histories[group];
    std::erase_if(history, [&](const Operation& o) { return o.answered == kNeverAnswered && o.called > death; });
    for (Operation& o : history) {
      if (o.answered != kNeverAnswered) o.answered = std::min(o.answered, std::max(o.called, death));
    }
    Operation recovered;
    recovered.client = 99;
    recovered.called = when.from;
    recovered.answered = when.to;
    Model now;
    for (const Operation& read : reads[group]) {
      recovered.commands.push_back(read.commands[0]);
      recovered.answers.push_back(read.answers[0]);
      now.restore(read.commands[0], read.answers[0]);
    }
    history.push_back(std::move(recovered));
    judge(history, initial_[group], outcome);
    if (outcome.failure) outcome.failure = "after a recovery: " + *outcome.failure;
    initial_[group] = std::move(now);
  }
}

void Clients::judge(const std::vector<Operation>& history, const Model& initial, Outcome& outcome) {
  Verdict verdict = checkLinearizable(history, initial);
  outcome.undecided += verdict.undecided;
  if (!verdict.holds) outcome.failure = verdict.why;
}

void Clients::check(Outcome& outcome) {
  outcome.answered += workload_.answered();
  if (outcome.failure) return;
  size_t unanswered = 0;
  for (auto& client : clients_) unanswered += client->unanswered();
  if (hangs_ || unanswered > 0) {
    outcome.failure = std::to_string(unanswered) + " requests were never answered";
    return;
  }
  for (size_t group = 0; group < initial_.size() && !outcome.failure; ++group) {
    judge(workload_.histories()[group], initial_[group], outcome);
  }
}

void letRun(SimWorld& world, Clients& clients, size_t operations, SimTime atMost) {
  world.runUntil([&] { return clients.workload().answered() >= operations; }, atMost);
}

NetworkFaults drawNetworkFaults(SimRandom& random) {
  NetworkFaults faults;
  if (random.chance(0.5)) faults.partialWrite = 0.2;
  if (random.chance(0.3)) faults.refuse = 0.2;
  if (random.chance(0.5)) faults.spike = 0.02;
  return faults;
}

void troubleLinks(SimWorld& world, SimNetwork& network, std::vector<std::pair<std::string, std::string>> links,
                  SimTime every, SimTime until) {
  world.after(world.random().skewed(every / 4, every * 4), [&world, &network, links, every, until] {
    if (world.now() > until) return;
    auto [from, to] = links[world.random().below(links.size())];
    if (world.random().chance(0.6)) {
      bool half = world.random().chance(0.3);
      world.trace("network", (half ? "half of the link is cut: " : "cut: ") + from + " " + to);
      network.cut(from, to, half);
    } else {
      if (world.random().chance(0.5)) std::swap(from, to);
      bool both = world.random().chance(0.5);
      world.trace("network", "silence from " + from + " to " + to + (both ? " and back" : ""));
      network.block(from, to);
      if (both) network.block(to, from);
      world.after(world.random().skewed(kMs, 4 * kSecond), [&world, &network, from, to] {
        world.trace("network", "heard again: " + from + " " + to);
        network.unblock(from, to);
        network.unblock(to, from);
      });
    }
    troubleLinks(world, network, links, every, until);
  });
}

}  // namespace vigil::sim
