// An RDB that goes straight to the sockets of replicas, between two copies of a mark since its length is not known.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drivers/replication/replica_feed.h"
#include "persistence/rdb_target.h"

namespace vigil::drivers {

class SocketTarget final : public persistence::RdbTarget {
 public:
  SocketTarget(std::vector<std::shared_ptr<ReplicaFeed>> feeds, std::string mark)
      : feeds_(std::move(feeds)), mark_(std::move(mark)) {}

  Status append(std::string_view bytes) override {
    if (!std::exchange(begun_, true)) {
      std::string header = "$EOF:" + mark_ + "\r\n";
      for (auto& feed : feeds_) feed->bulk(header);
    }
    bool any = false;
    for (auto& feed : feeds_) {
      feed->bulk(bytes);
      any = any || feed->alive();
    }
    if (!any) return fail("Diskless rdb transfer, last replica dropped");
    return {};
  }
  Status finish() override {
    for (auto& feed : feeds_) {
      feed->bulk(mark_);
      feed->bulkEnd();
    }
    return {};
  }
  void abandon() override {}  // the master's side drops those who got half of it

 private:
  const std::vector<std::shared_ptr<ReplicaFeed>> feeds_;
  const std::string mark_;
  bool begun_ = false;
};

}  // namespace vigil::drivers
