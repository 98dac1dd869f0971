// Cores of several nodes over virtual time and a virtual bus, for tests: no data, no sockets. A step's effects are carried
// out at once, packets arrive after a delay, and a refused or silent node behaves as the bus would show it.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/cluster.h"
#include "cluster/node_lines.h"

namespace vigil::cluster {

class TestCluster {
 public:
  enum class Life { kRunning, kStopped, kDead };  // kStopped: as by SIGSTOP
  struct Member {
    std::unique_ptr<Cluster> core;
    std::string address;
    uint16_t busPort = 0;
    Life life = Life::kRunning;
    Surroundings around;
    std::string follows;  // address:port as kFollow said; empty: it is a master
    std::string logged;
    std::vector<Event> held;  // while stopped
    uint64_t bytesSent = 0;
    int promotions = 0;
    bool paused = false;  // its clients' writes
    bool old = false;     // it announces nothing of what only nodes of ours can
    std::vector<MigrationOrder> orders;  // those of atomic migrations, the last one last
  };

  explicit TestCluster(size_t nodes, uint64_t seed = 1) : dice_(seed) {
    options.nodeTimeout = 1'000'000;
    for (size_t i = 0; i < nodes; ++i) addMember();
  }

  size_t addMember() {
    Member& member = members_.emplace_back();
    const size_t number = members_.size() - 1;
    member.address = "10.0.0." + std::to_string(number + 1);
    member.busPort = static_cast<uint16_t>(17000 + number);
    member.core = std::make_unique<Cluster>(dice_.next(), moment());
    member.around.linkUp = member.around.linkedOnce = true;
    nextTick_.push_back(now_ + static_cast<MonoUs>(dice_.below(kTick)));
    return number;
  }

  Member& operator[](size_t number) { return members_[number]; }
  size_t size() const { return members_.size(); }
  const State& state(size_t number) const { return members_[number].core->state(); }
  const std::string& id(size_t number) const { return state(number).myself().id; }
  MonoUs now() const { return now_; }

  std::string command(size_t number, Request request) {
    Answer answer = members_[number].core->command(moment(), surroundings(number), optionsOf(number), request);
    carryOut(number, answer.effects);
    return answer.error;
  }

  // Its driver tells something about an atomic migration.
  void tell(size_t number, MigrationNews news) { stepWith(number, {.kind = Event::Kind::kMigration, .migration = std::move(news)}); }
  void note(size_t number, const MigrationRecord& record) { members_[number].core->noted(moment(), record); }

  void run(MonoUs duration) {
    for (const MonoUs end = now_ + duration; now_ < end;) advance();
  }
  // True as soon as `holds`; false if `limit` passes first.
  bool runUntil(MonoUs limit, const std::function<bool()>& holds) {
    for (const MonoUs end = now_ + limit; now_ < end; advance()) {
      if (holds()) return true;
    }
    return holds();
  }

  // As redis-cli --cluster create does it: the first `masters` share the slots, the others follow them in turn.
  void create(size_t masters) {
    for (size_t i = 0; i < masters; ++i) {
      Request add{.kind = Request::Kind::kAddSlots};
      for (size_t slot = kSlotCount * i / masters; slot < kSlotCount * (i + 1) / masters; ++slot) {
        add.slots.push_back(static_cast<uint16_t>(slot));
      }
      command(i, add);
    }
    for (size_t i = 0; i < size(); ++i) command(i, {.kind = Request::Kind::kSetConfigEpoch, .number = static_cast<int64_t>(i + 1)});
    for (size_t i = 1; i < size(); ++i) {
      command(i, {.kind = Request::Kind::kMeet, .address = members_[0].address, .port = port(0), .busPort = members_[0].busPort});
    }
    runUntil(30'000'000, [&] { return everybodyKnows(size()); });
    for (size_t i = masters; i < size(); ++i) {
      command(i, {.kind = Request::Kind::kReplicate, .node = id(i % masters)});
    }
    runUntil(30'000'000, [&] { return allUp(); });
    run(3'000'000);
  }

  bool everybodyKnows(size_t count) const {
    return eachRunning([&](const Member& member) {
      const auto& nodes = member.core->state().nodes();
      return nodes.size() == count && std::ranges::none_of(nodes, [](const auto& n) { return n.second->inHandshake(); });
    });
  }
  bool allUp() const {
    return eachRunning([](const Member& member) { return member.core->state().up; });
  }
  // All who run agree on who owns what.
  bool oneView() const {
    const State* first = nullptr;
    return eachRunning([&](const Member& member) {
      const State& state = member.core->state();
      if (first == nullptr) first = &state;
      for (size_t slot = 0; slot < kSlotCount; slot += 64) {
        if ((state.owner(slot) == nullptr) != (first->owner(slot) == nullptr)) return false;
        if (state.owner(slot) != nullptr && state.owner(slot)->id != first->owner(slot)->id) return false;
      }
      return true;
    });
  }

  void kill(size_t number) {
    members_[number].life = Life::kDead;
    std::vector<LinkKey> broken;
    for (auto& [key, link] : links_) {
      if (link.from == number || link.to == number) broken.push_back(key);
    }
    for (const LinkKey& key : broken) breakLink(key, number);
  }
  void stop(size_t number) { members_[number].life = Life::kStopped; }
  void resume(size_t number) {
    members_[number].life = Life::kRunning;
    auto held = std::move(members_[number].held);
    for (Event& event : held) deliver(number, std::move(event));
  }
  // With what nodes.conf held, and nothing else.
  void restart(size_t number) {
    Member& member = members_[number];
    const auto conf = wire::parseNodesConf(wire::formatNodesConf(confOf(member.core->state(), moment())));
    member.core = std::make_unique<Cluster>(dice_.next(), moment());
    (void)member.core->restore(moment(), *conf);
    member.life = Life::kRunning;
    member.around.linkedOnce = member.around.linkUp = false;
    nextTick_[number] = now_;
  }

  // True: this packet is lost.
  std::function<bool(size_t from, size_t to, const wire::BusMessage&)> loses;
  Options options;
  MonoUs delay = 300;

 private:
  static constexpr MonoUs kTick = 100'000;
  using LinkKey = std::pair<size_t, LinkId>;  // of the side that opened it
  struct Link {
    size_t from;
    size_t to;
    LinkId inbound;
  };
  Moment moment() const { return {now_, 1'700'000'000'000 + now_ / 1000}; }
  uint16_t port(size_t number) const { return static_cast<uint16_t>(members_[number].busPort - 10000); }
  Options optionsOf(size_t number) const {
    Options own = options;
    own.port = port(number);
    own.busPort = members_[number].busPort;
    return own;
  }
  Surroundings surroundings(size_t number) {
    Member& member = members_[number];
    if (member.around.linkUp) member.around.masterHeard = now_;
    return member.around;
  }
  template <typename Check>
  bool eachRunning(Check check) const {
    return std::ranges::all_of(members_, [&](const Member& m) { return m.life != Life::kRunning || check(m); });
  }

  void advance() {
    MonoUs next = *std::ranges::min_element(nextTick_);
    if (!arrivals_.empty()) next = std::min(next, arrivals_.begin()->first.first);
    now_ = std::max(now_ + 1, next);
    while (!arrivals_.empty() && arrivals_.begin()->first.first <= now_) {
      auto [to, event] = std::move(arrivals_.begin()->second);
      arrivals_.erase(arrivals_.begin());
      deliver(to, std::move(event));
    }
    for (size_t i = 0; i < size(); ++i) {
      if (nextTick_[i] > now_) continue;
      nextTick_[i] = now_ + kTick;
      if (members_[i].life == Life::kRunning) stepWith(i, {.kind = Event::Kind::kTick});
    }
  }

  void post(size_t to, Event event) { arrivals_.emplace(std::pair(now_ + delay, ++order_), std::pair(to, std::move(event))); }
  void deliver(size_t to, Event event) {
    if (members_[to].life == Life::kDead) return;
    if (members_[to].life == Life::kStopped) return members_[to].held.push_back(std::move(event));
    stepWith(to, event);
  }
  void stepWith(size_t number, const Event& event) {
    Member& member = members_[number];
    Effects effects = member.core->step(moment(), surroundings(number), optionsOf(number), event);
    if (const MonoUs wake = member.core->wakeAt(); wake != 0) nextTick_[number] = std::min(nextTick_[number], std::max(wake, now_ + 1));
    carryOut(number, effects);
  }

  void carryOut(size_t number, const Effects& effects) {
    Member& member = members_[number];
    for (const Effect& effect : effects) {
      if (effect.kind == Effect::Kind::kLog) member.logged += effect.text + "\n";
      if (effect.kind == Effect::Kind::kConnect) connect(number, effect);
      if (effect.kind == Effect::Kind::kSend) send(number, effect);
      if (effect.kind == Effect::Kind::kClose) close(number, effect.link);
      if (effect.kind == Effect::Kind::kFollow) member.follows = effect.address + ":" + std::to_string(effect.port);
      if (effect.kind == Effect::Kind::kPauseWrites) {
        member.paused = true;
        post(number, {.kind = Event::Kind::kWritesPaused});
      }
      if (effect.kind == Effect::Kind::kMigration) member.orders.push_back(*effect.migration);
      if (effect.kind == Effect::Kind::kResumeWrites) member.paused = false;
      if (effect.kind == Effect::Kind::kPromote) {
        member.follows.clear();
        ++member.promotions;
      }
    }
  }
  void connect(size_t number, const Effect& effect) {
    const auto to = std::ranges::find_if(members_, [&](const Member& m) { return m.address == effect.address && m.busPort == effect.port; });
    if (to == members_.end() || to->life == Life::kDead) {
      return post(number, {.kind = Event::Kind::kClosed, .link = effect.link, .refused = true});
    }
    links_[{number, effect.link}] = {number, static_cast<size_t>(to - members_.begin()), ++lastInbound_ | kInbound};
    post(number, {.kind = Event::Kind::kConnected, .link = effect.link});
  }
  std::pair<LinkKey, Link*> find(size_t number, LinkId id) {
    for (auto& [key, link] : links_) {
      if ((key.first == number && key.second == id) || (link.to == number && link.inbound == id)) return {key, &link};
    }
    return {{}, nullptr};
  }
  void send(size_t number, const Effect& effect) {
    members_[number].bytesSent += effect.packet->size();
    auto [key, link] = find(number, effect.link);
    if (link == nullptr) return;
    const bool outward = link->from == number;
    const size_t to = outward ? link->to : link->from;
    Event event{.kind = Event::Kind::kPacket, .link = outward ? link->inbound : key.second};
    event.message = *wire::decodeBusPacket(*effect.packet);
    if (members_[number].old) event.message.capabilities = 0;
    event.peerAddress = members_[number].address;
    event.localAddress = members_[to].address;
    if (!loses || !loses(number, to, event.message)) post(to, std::move(event));
  }
  void close(size_t number, LinkId id) {
    if (auto [key, link] = find(number, id); link != nullptr) breakLink(key, number);
  }
  void breakLink(LinkKey key, size_t by) {
    const Link link = links_[key];
    links_.erase(key);
    if (by != link.to) post(link.to, {.kind = Event::Kind::kClosed, .link = link.inbound});
    if (by != link.from) post(link.from, {.kind = Event::Kind::kClosed, .link = key.second});
  }

  Dice dice_;
  MonoUs now_ = 1'000'000;
  std::vector<Member> members_;
  std::vector<MonoUs> nextTick_;
  std::map<LinkKey, Link> links_;
  std::map<std::pair<MonoUs, uint64_t>, std::pair<size_t, Event>> arrivals_;
  uint64_t order_ = 0;
  LinkId lastInbound_ = 0;
};

}  // namespace vigil::cluster
