#include "sim/bus_witness.h"

#include <algorithm>

#include "wire/nodes_conf.h"

namespace vigil::sim {

void BusWitness::wrote(const SimLink& link, size_t side, std::string_view bytes) {
  if (link.sides[1].address.port != kBusPort) return;
  std::string& unread = unread_[{link.number, side}];
  unread += bytes;
  size_t at = 0;
  while (unread.size() - at >= wire::kBusPrefixSize) {
    const auto length = wire::busPacketLength(std::string_view(unread).substr(at, wire::kBusPrefixSize));
    if (!length) return accuse_("what is no packet was written to the bus");
    if (unread.size() - at < *length) break;
    const auto message = wire::decodeBusPacket(std::string_view(unread).substr(at, *length));
    if (!message) return accuse_("a malformed packet was written to the bus: " + message.error().message);
    heard(*message, link.number, link.sides[side].host, link.sides[1 - side].host);
    at += *length;
  }
  unread.erase(0, at);
}

void BusWitness::checkDisk(const wire::BusMessage& message, const std::string& host) {
  const bool vote = message.type == wire::BusType::kVote;
  const auto conf = wire::parseNodesConf(disk_(host));
  const uint64_t known = !conf ? 0 : vote ? conf->lastVoteEpoch : conf->currentEpoch;
  if (known >= message.currentEpoch) return;
  accuse_(host + (vote ? " voted" : " asked for votes") + " in epoch " + std::to_string(message.currentEpoch) +
          ", of which its disk knows nothing");
}

void BusWitness::heard(const wire::BusMessage& message, uint64_t connection, const std::string& from,
                       const std::string& to) {
  newest_ = std::max(newest_, connection);
  const std::string& by = message.sender;
  if (message.type == wire::BusType::kVote || message.type == wire::BusType::kVoteRequest) checkDisk(message, from);
  if (message.type == wire::BusType::kVoteRequest) asked_.insert({by, message.currentEpoch});
  if (message.type == wire::BusType::kVote) {
    ++voteCount_;
    const auto [vote, first] = votes_.try_emplace({by, message.currentEpoch}, to);
    if (!first && vote->second != to) {
      accuse_("node " + by + " voted for " + vote->second + " and for " + to + " in epoch " +
              std::to_string(message.currentEpoch));
    }
  }
  if (!message.masterId.empty() || message.slots.empty()) return;
  Announced& before = announced_[by];
  if (message.configEpoch < before.epoch && connection > before.newest) {
    accuse_("node " + by + " announced epoch " + std::to_string(message.configEpoch) + " after " +
            std::to_string(before.epoch));
  }
  if (message.configEpoch > before.epoch) before = {message.configEpoch, newest_};
  // Epochs that nobody voted for (a claim of slots that moved, TAKEOVER) may be equal to others for a while.
  if (!asked_.contains({by, message.configEpoch})) return;
  const auto [owner, first] = owners_.try_emplace(message.configEpoch, by);
  if (!first && owner->second != by) {
    accuse_("epoch " + std::to_string(message.configEpoch) + " was won by " + owner->second + " and by " + by);
  }
}

}  // namespace vigil::sim
