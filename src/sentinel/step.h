// One step of the core: its time, the state that it changes, and what it asks for. Passed down through the files of
// this folder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sentinel/effect.h"
#include "sentinel/monitored_master.h"

namespace vigil::sentinel {

struct State {
  std::string id;      // ours, for good
  uint64_t epoch = 0;  // the greatest that we know of; only grows, and is durable before it is told
  GlobalSettings settings;
  TimeConstants times;
  std::map<std::string, std::unique_ptr<MonitoredMaster>, std::less<>> masters;
  std::map<InstanceId, Instance*> instances;  // all of all masters
  InstanceId nextInstance = 1;
  uint64_t nextAttempt = 1;
  uint64_t dice = 0;  // of a generator that is seeded from outside
  MonoUs lastTick = 0;
  MonoUs tiltSince = 0;  // time passed that we have not seen: nothing is decided for a while
  bool crashAfterElection = false;
  bool crashAfterPromotion = false;

  MonitoredMaster* find(std::string_view name) const {
    const auto found = masters.find(name);
    return found == masters.end() ? nullptr : found->second.get();
  }
};

class Step {
 public:
  Step(State& s, MonoUs at) : state(s), now(at) {}
  State& state;
  const MonoUs now;
  Effects out;

  // An event in Redis's sense: logged, published to our clients, and, if it is a warning, told to the notification
  // script. With an instance the payload begins with its description.
  void event(LogLevel level, std::string_view type, const Instance* instance, std::string_view text = {});
  // The same of a master, with a payload that says all.
  void plainEvent(LogLevel level, std::string_view type, const MonitoredMaster* master, std::string text);
  void log(LogLevel level, std::string text);
  void persist() { out.push_back({.kind = Effect::Kind::kPersist}); }
  // The command goes out under the name by which this master's instances know it. False: there is no connection.
  bool send(Instance& to, Request request, std::vector<std::string> words);
  void connect(Instance& to, Channel channel);
  void disconnect(Instance& from, Channel channel);
  void runScript(std::vector<std::string> words);
  uint64_t random(uint64_t below);

  Instance& create(Role role, MonitoredMaster& owner, std::string name, Address address);
  void forget(Instance& instance);  // closes its connections; the caller destroys it

  // The announced form of an address.
  const std::string& shown(const Address& address) const {
    return state.settings.announceHostnames ? address.host : address.numeric();
  }
  std::string shownPair(const Address& address) const { return shown(address) + " " + std::to_string(address.port); }
};

// "slave 127.0.0.1:6380 127.0.0.1 6380 @ mymaster 127.0.0.1 6379"
std::string describeInstance(const Step& step, const Instance& instance);
// "host:port", an IPv6 address in brackets.
std::string joinHostPort(const std::string& host, uint16_t port);

}  // namespace vigil::sentinel
