// Clients of a group that Sentinels watch: each asks one Sentinel after another where the master is, connects to it,
// and writes ever greater numbers to a key of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/sim_client.h"

namespace vigil::sim {

class SentinelClient final {
 public:
  // `sentinels`: where they are. Until one has answered, `first` counts as the master.
  SentinelClient(SimWorld& world, SimNetwork& network, int number, std::vector<Endpoint> sentinels, Endpoint first);

  void start();
  void stop();
  bool idle() const { return finder_.idle() && writer_.idle(); }

  std::string key() const { return "w" + std::to_string(number_); }
  int64_t sent() const { return sent_; }                  // the greatest number that was written, or may have been
  int64_t acknowledged() const { return acknowledged_; }  // the greatest
  size_t answers() const { return answers_; }
  std::vector<std::string> hosts() const;

 private:
  // Asks where the master is.
  class Finding final : public Workload {
   public:
    explicit Finding(SentinelClient& owner) : owner_(owner) {}
    std::vector<Request> next(int client, const std::vector<Request>& last) override;
    void finished(const Request& request) override;

   private:
    SentinelClient& owner_;
  };
  class Writing final : public Workload {
   public:
    explicit Writing(SentinelClient& owner) : owner_(owner) {}
    std::vector<Request> next(int client, const std::vector<Request>& last) override;
    void finished(const Request& request) override;

   private:
    SentinelClient& owner_;
  };
  void reconnect();

  SimWorld& world_;
  const int number_;
  const std::vector<Endpoint> sentinels_;
  Endpoint master_;
  int64_t sent_ = 0;
  int64_t acknowledged_ = 0;
  size_t answers_ = 0;
  bool reconnecting_ = false;
  Finding finding_{*this};
  Writing writing_{*this};
  SimClient finder_;
  SimClient writer_;
};

}  // namespace vigil::sim
