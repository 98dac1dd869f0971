// Clients of a cluster, each of which appends numbers to lists of its own, which share a slot, one after another, and goes
// where it is sent. What was acknowledged is known, so that at the end one can say what must be there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_client.h"

namespace vigil::sim {

class ClusterWriters final : public Workload {
 public:
  // `nodes`: where a client looks for its slot's server when it does not know better.
  ClusterWriters(SimWorld& world, SimNetwork& network, size_t count, std::vector<Endpoint> nodes);

  void start();
  void stop();
  bool idle() const;
  size_t acknowledged() const;
  // Whether every writer got an answer after that moment.
  bool allAnsweredSince(SimTime when) const;

  struct Writer {
    std::string key;
    Endpoint target;
    bool asking = false;                // it was sent there by ASK, for one request
    int64_t sent = 0;                   // the last number
    std::vector<int64_t> acknowledged;  // ascending
    SimTime answeredAt = 0;
    std::unique_ptr<SimClient> client;

    std::vector<std::string> keys() const { return {key, "{" + key + "}1", "{" + key + "}2"}; }
  };
  const std::vector<Writer>& writers() const { return writers_; }

  std::vector<Request> next(int client, const std::vector<Request>& last) override;
  void finished(const Request& request) override;

 private:
  void turnTo(Writer& writer, const Endpoint& node);
  void lookElsewhere(Writer& writer);
  void follow(Writer& writer, const std::string& redirection);

  SimWorld& world_;
  const std::vector<Endpoint> nodes_;
  std::vector<Writer> writers_;
};

}  // namespace vigil::sim
