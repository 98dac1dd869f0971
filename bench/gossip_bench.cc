// Clusters of cores alone, without data and sockets, over virtual time: how soon all nodes know each other, what gossip costs
// on the bus once nothing happens, how soon a newcomer is known everywhere, and a master that hangs, and its successor.
//
//   vigil_gossip_bench [--nodes 100] [--timeout 15000] [--seconds 20] [--seed 1]
//
// Half of the nodes are masters, each with one replica. A packet takes 0.3 ms. One row of the table in docs/PERFORMANCE.md.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cluster/cluster.h"

namespace vigil::cluster {
namespace {

constexpr MonoUs kSecond = 1'000'000;
constexpr MonoUs kTick = 100'000;
constexpr MonoUs kDelay = 300;
constexpr MonoUs kLook = 250'000;       // how often is looked whether all know it
constexpr MonoUs kLookClosely = 10'000;  // of a failure
constexpr uint16_t kPort = 6379;
constexpr uint16_t kBusPort = 16379;

struct Arguments {
  size_t nodes = 100;
  int64_t timeoutMs = 15000;
  int64_t seconds = 20;
  uint64_t seed = 1;
};

class Fleet {
 public:
  explicit Fleet(const Arguments& arguments) : dice_(arguments.seed) { options_.nodeTimeout = arguments.timeoutMs * 1000; }

  size_t add() {
    const size_t number = members_.size();
    Member& member = *members_.emplace_back(std::make_unique<Member>());
    member.address = "10." + std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255);
    member.core = std::make_unique<Cluster>(dice_.next(), moment());
    byAddress_[member.address] = number;
    plan(number, now_ + static_cast<MonoUs>(dice_.below(kTick)));
    return number;
  }
  void kill(size_t number) { members_[number]->dead = true; }

  void command(size_t number, const Request& request) {
    Answer answer = members_[number]->core->command(moment(), surroundings(), optionsOf(number), request);
    if (!answer.error.empty()) std::fprintf(stderr, "%s\n", answer.error.c_str()), std::exit(1);
    carryOut(number, answer.effects);
  }
  void meet(size_t number, size_t other) {
    command(number, {.kind = Request::Kind::kMeet, .address = members_[other]->address, .port = kPort, .busPort = kBusPort});
  }

  void run(MonoUs duration) {
    const MonoUs end = now_ + duration;
    while (queue_.top().at <= end) advance();
    now_ = end;
  }
  // How long it took until `holds` of all that live; exits if that takes too long.
  MonoUs until(std::string_view what, const std::function<bool(const State&)>& holds, MonoUs look = kLook) {
    const MonoUs begin = now_;
    while (now_ - begin < 600 * kSecond) {
      const bool all = std::ranges::all_of(members_, [&](const auto& m) { return m->dead || holds(m->core->state()); });
      if (all) return now_ - begin;
      run(look);
    }
    std::fprintf(stderr, "not within ten minutes: %.*s\n", static_cast<int>(what.size()), what.data());
    std::exit(1);
  }

  const State& state(size_t number) const { return members_[number]->core->state(); }
  const std::string& id(size_t number) const { return state(number).myself().id; }
  size_t size() const { return members_.size(); }
  uint64_t bytes() const { return bytes_; }
  uint64_t packets() const { return packets_; }

 private:
  struct Remote {
    size_t node;
    LinkId link;
  };
  struct Member {
    std::unique_ptr<Cluster> core;
    std::string address;
    std::unordered_map<LinkId, Remote> links;
    MonoUs tickAt = 0;
    bool dead = false;
  };
  struct Happening {
    MonoUs at;
    uint64_t number;
    size_t node;
    bool tick;
    Event event;
    std::shared_ptr<const std::string> packet;
    bool operator>(const Happening& other) const { return at != other.at ? at > other.at : number > other.number; }
  };

  Moment moment() const { return {now_, 1'700'000'000'000 + now_ / 1000}; }
  static Surroundings surroundings() { return {.offset = 1, .linkUp = true, .linkedOnce = true}; }
  Options optionsOf(size_t number) const {
    Options own = options_;
    own.address = members_[number]->address;
    own.port = kPort;
    own.busPort = kBusPort;
    return own;
  }
  void plan(size_t number, MonoUs at) {
    members_[number]->tickAt = at;
    queue_.push({at, ++order_, number, true, {}, nullptr});
  }
  void post(size_t number, Event event, std::shared_ptr<const std::string> packet = nullptr) {
    queue_.push({now_ + kDelay, ++order_, number, false, std::move(event), std::move(packet)});
  }

  void advance() {
    Happening next = std::move(const_cast<Happening&>(queue_.top()));
    queue_.pop();
    now_ = std::max(now_, next.at);
    Member& member = *members_[next.node];
    if (member.dead || (next.tick && next.at != member.tickAt)) return;
    if (next.tick) {
      step(next.node, {});
      if (member.tickAt <= now_) plan(next.node, now_ + kTick);
      return;
    }
    if (next.packet != nullptr) next.event.message = *wire::decodeBusPacket(*next.packet);
    step(next.node, next.event);
  }
  void step(size_t number, const Event& event) {
    Member& member = *members_[number];
    Surroundings around = surroundings();
    around.masterHeard = now_;
    const Effects effects = member.core->step(moment(), around, optionsOf(number), event);
    if (const MonoUs wake = member.core->wakeAt(); wake != 0 && wake < member.tickAt) plan(number, std::max(wake, now_ + 1));
    carryOut(number, effects);
  }
  void carryOut(size_t number, const Effects& effects) {
    for (const Effect& effect : effects) {
      if (effect.kind == Effect::Kind::kConnect) connect(number, effect);
      if (effect.kind == Effect::Kind::kClose) close(number, effect.link);
      if (effect.kind == Effect::Kind::kSend) send(number, effect);
    }
  }
  void connect(size_t number, const Effect& effect) {
    const size_t to = byAddress_.at(effect.address);
    if (members_[to]->dead) return post(number, {.kind = Event::Kind::kClosed, .link = effect.link, .refused = true});
    const LinkId inbound = ++lastInbound_ | kInbound;
    members_[number]->links[effect.link] = {to, inbound};
    members_[to]->links[inbound] = {number, effect.link};
    post(number, {.kind = Event::Kind::kConnected, .link = effect.link});
  }
  void close(size_t number, LinkId id) {
    const auto at = members_[number]->links.find(id);
    if (at == members_[number]->links.end()) return;
    const Remote remote = at->second;
    members_[number]->links.erase(at);
    members_[remote.node]->links.erase(remote.link);
    post(remote.node, {.kind = Event::Kind::kClosed, .link = remote.link});
  }
  void send(size_t number, const Effect& effect) {
    const auto at = members_[number]->links.find(effect.link);
    if (at == members_[number]->links.end()) return;
    bytes_ += effect.packet->size();
    ++packets_;
    Event event{.kind = Event::Kind::kPacket, .link = at->second.link};
    event.peerAddress = members_[number]->address;
    event.localAddress = members_[at->second.node]->address;
    post(at->second.node, std::move(event), effect.packet);
  }

  Dice dice_;
  Options options_;
  MonoUs now_ = kSecond;
  std::vector<std::unique_ptr<Member>> members_;
  std::unordered_map<std::string, size_t> byAddress_;
  std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
  uint64_t order_ = 0;
  LinkId lastInbound_ = 0;
  uint64_t bytes_ = 0;
  uint64_t packets_ = 0;
};

double seconds(MonoUs time) { return static_cast<double>(time) / kSecond; }

bool knows(const State& state, size_t count) {
  return state.nodes().size() == count &&
         std::ranges::none_of(state.nodes(), [](const auto& entry) { return entry.second->inHandshake(); });
}

MonoUs form(Fleet& fleet, size_t nodes) {
  const size_t masters = nodes / 2;
  for (size_t i = 0; i < nodes; ++i) fleet.add();
  for (size_t i = 0; i < nodes; ++i) {
    fleet.command(i, {.kind = Request::Kind::kSetConfigEpoch, .number = static_cast<int64_t>(i + 1)});
    Request add{.kind = Request::Kind::kAddSlots};
    for (size_t slot = kSlotCount * i / masters; i < masters && slot < kSlotCount * (i + 1) / masters; ++slot) {
      add.slots.push_back(static_cast<uint16_t>(slot));
    }
    if (i < masters) fleet.command(i, add);
  }
  for (size_t i = 1; i < nodes; ++i) fleet.meet(0, i);
  const MonoUs formed = fleet.until("all know all", [&](const State& state) { return knows(state, nodes); });
  for (size_t i = masters; i < nodes; ++i) {
    fleet.command(i, {.kind = Request::Kind::kReplicate, .node = fleet.id(i - masters)});
  }
  fleet.until("all know who follows whom", [&](const State& state) { return state.up && state.voters() == masters; });
  return formed;
}

void measure(const Arguments& arguments) {
  Fleet fleet(arguments);
  const MonoUs formed = form(fleet, arguments.nodes);
  fleet.run(arguments.timeoutMs * 1000);  // until no ping is owed from the beginning
  const uint64_t bytes = fleet.bytes();
  const uint64_t packets = fleet.packets();
  fleet.run(arguments.seconds * kSecond);
  const auto each = static_cast<double>(arguments.nodes) * static_cast<double>(arguments.seconds);
  const double rate = static_cast<double>(fleet.bytes() - bytes) / each;
  const double packetRate = static_cast<double>(fleet.packets() - packets) / each;

  const size_t newcomer = fleet.add();
  fleet.meet(0, newcomer);
  const MonoUs known = fleet.until("all know the newcomer", [&](const State& state) { return knows(state, fleet.size()); });

  const size_t victim = 1;
  const std::string gone = fleet.id(victim);
  const std::string heir = fleet.id(arguments.nodes / 2 + victim);
  const uint16_t slot = fleet.state(victim).myself().slots.ranges().front().first;
  fleet.kill(victim);  // it hangs: nobody is told, connections stand
  const MonoUs failed =
      fleet.until("all know of the failure", [&](const State& state) { return state.find(gone)->has(kFail); }, kLookClosely);
  const MonoUs replaced =
      failed + fleet.until("all know the heir", [&](const State& state) { return state.owner(slot)->id == heir; }, kLookClosely);
  std::printf("| %zu | %lld ms | %.1f s | %.0f | %.1f KB | %.1f s | %.2f s | %.2f s |\n", arguments.nodes,
              static_cast<long long>(arguments.timeoutMs), seconds(formed), packetRate, rate / 1000, seconds(known), seconds(failed),
              seconds(replaced));
}

}  // namespace
}  // namespace vigil::cluster

int main(int count, char** words) {
  vigil::cluster::Arguments arguments;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = words[i];
    const auto value = static_cast<int64_t>(std::atoll(words[i + 1]));
    if (name == "--nodes") arguments.nodes = static_cast<size_t>(value);
    if (name == "--timeout") arguments.timeoutMs = value;
    if (name == "--seconds") arguments.seconds = value;
    if (name == "--seed") arguments.seed = static_cast<uint64_t>(value);
  }
  vigil::cluster::measure(arguments);
  return 0;
}
