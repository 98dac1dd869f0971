// Reads along what cluster nodes say on the bus, and says what no node may ever have said, over all of its lives:
//
//   - two votes of one node in one epoch for different replicas
//   - a configuration epoch of a master smaller than one that it has announced before
//   - an epoch, won by vote, of two masters with slots
//   - a vote, or a request for votes, of an epoch that is not on its node's disk
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "sim/sim_network.h"
#include "wire/cluster_bus.h"

namespace vigil::sim {

class BusWitness {
 public:
  static constexpr uint16_t kBusPort = 16379;

  // `disk`: what the disk of a host holds as nodes.conf.
  BusWitness(std::function<void(std::string)> accuse, std::function<std::string(const std::string& host)> disk)
      : accuse_(std::move(accuse)), disk_(std::move(disk)) {}

  // Bytes that one side of a connection has written.
  void wrote(const SimLink& link, size_t side, std::string_view bytes);
  size_t votes() const { return voteCount_; }

 private:
  void heard(const wire::BusMessage& message, uint64_t connection, const std::string& from, const std::string& to);
  void checkDisk(const wire::BusMessage& message, const std::string& host);

  const std::function<void(std::string)> accuse_;
  const std::function<std::string(const std::string&)> disk_;
  // The greatest configuration epoch that a node has announced, and the newest connection there was then: what is written
  // to older ones later may have waited there.
  struct Announced {
    uint64_t epoch = 0;
    uint64_t newest = 0;
  };

  std::map<std::pair<uint64_t, size_t>, std::string> unread_;      // by connection and side
  std::map<std::pair<std::string, uint64_t>, std::string> votes_;  // by voter and epoch: for which host
  std::map<std::string, Announced> announced_;                     // by master
  uint64_t newest_ = 0;                                            // connection that anything was written to
  std::set<std::pair<std::string, uint64_t>> asked_;                // for votes: node, epoch
  std::map<uint64_t, std::string> owners_;                         // by configuration epoch: whose it is
  size_t voteCount_ = 0;
};

}  // namespace vigil::sim
