// Commands that a scenario itself gives to a node, and their answers: what an administrator would type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/sim_client.h"

namespace vigil::sim {

// The answers, as render() has them; nothing if the node did not give all of them in `atMost`. `transaction`: all of it
// as one MULTI … EXEC.
std::optional<std::vector<std::string>> ask(SimWorld& world, SimNetwork& network, const Endpoint& node,
                                            std::vector<Words> commands, bool transaction = false,
                                            SimTime atMost = 5 * kSecond);

// Something that is typed at a node, and whose answer comes while other things go on.
class Order final : public Workload {
 public:
  Order(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, Words words);

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request&) override {}

 private:
  Words words_;  // empty once they have been given
  SimClient client_;
};

// A client that now and then looks at what a node holds: all keys of one group in one transaction.
class Onlooker final : public Workload {
 public:
  // `seen` is called with each look that was answered.
  Onlooker(SimWorld& world, SimNetwork& network, int number, const Endpoint& node, size_t groups,
           std::function<void(const Request&)> seen);
  void start() { client_.start(); }
  void stop() { client_.stop(); }

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request& request) override;

 private:
  SimWorld& world_;
  const size_t groups_;
  const std::function<void(const Request&)> seen_;
  SimClient client_;
};

}  // namespace vigil::sim
