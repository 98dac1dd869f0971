#include "drivers/migration/peer_pool.h"

#include <algorithm>
#include <utility>

namespace vigil::drivers {

PeerPool::Idle::Idle(PeerPool& owner, std::string where, Peer idle)
    : pool(owner), target(std::move(where)), peer(std::move(idle)), since(owner.loop_.now()) {
  peer.stream->attach(pool.loop_, *this);
}

PeerPool::~PeerPool() {
  loop_.cancel(timer_);
  idle_.clear();
  changed();
}

std::optional<Peer> PeerPool::take(const std::string& target) {
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& idle) { return idle->target == target; });
  if (found == idle_.rend()) return std::nullopt;
  Peer peer = std::move((*found)->peer);
  peer.stream->detach();
  idle_.erase(std::next(found).base());
  changed();
  return peer;
}

void PeerPool::put(const std::string& target, Peer peer) {
  if (idle_.size() == kMost) idle_.pop_front();
  idle_.push_back(std::make_unique<Idle>(*this, target, std::move(peer)));
  changed();
  if (timer_ == 0) timer_ = loop_.after(kKeepUs, [this] { sweep(); });
}

void PeerPool::drop(Idle* idle) {
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& each) { return each.get() == idle; });
  // It is its stream that calls: neither may go before that returns.
  (*found)->peer.stream->detach();
  loop_.post([gone = std::shared_ptr<Idle>(std::move(*found))] {});
  idle_.erase(found);
  changed();
}

void PeerPool::sweep() {
  timer_ = 0;
  while (!idle_.empty() && idle_.front()->since + kKeepUs <= loop_.now()) idle_.pop_front();
  changed();
  if (!idle_.empty()) timer_ = loop_.after(idle_.front()->since + kKeepUs - loop_.now(), [this] { sweep(); });
}

}  // namespace vigil::drivers
