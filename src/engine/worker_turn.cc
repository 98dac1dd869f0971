// The end of a worker's turn of its loop: duties, the log's sinks, replies; and the sessions that wait beyond a turn.
#include <utility>

#include "engine/blocked_call.h"
#include "engine/connection.h"
#include "engine/engine.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr size_t kShrinkOutput = 256 * 1024;
constexpr int64_t kDutyRest = 1;  // times as long as a step

}  // namespace

void Worker::resume(Session& session) {
  if (session.connection) session.connection->resume();
}

void Worker::resumePaused() {
  auto paused = std::move(paused_);
  paused_.clear();
  for (uint64_t id : paused) {
    engine_.blockedCounter().fetch_sub(1, std::memory_order_relaxed);
    Connection* connection = findConnection(id);
    if (connection && connection->session().suspended == Session::Suspended::kPaused) connection->resume();
  }
}

void Worker::flushCommitted() {
  auto waiting = std::move(commitWaiters_);
  commitWaiters_.clear();
  for (Connection* connection : waiting) queueFlush(*connection);
}

bool Worker::beforeSleep() {
  arrivals_.run();
  bool more = engine_.haveDuties() && backgroundStep();
  if (evictor_.pending()) [[unlikely]]
    more = evictor_.step() || more;
  if (inbox_.pending()) [[unlikely]] takeInbox();
  engine_.clientEviction().enforce();
  // Before any reply leaves. Also without one: expiry and served clients write too.
  const oplog::Offset published = engine_.log().published();
  if (published != pumped_ || !toFlush_.empty()) {
    pumped_ = published;
    engine_.log().pump();
  }
  if (!toFlush_.empty()) {
    // By index: closing a connection may not touch the list, but a flush may queue another.
    for (size_t i = 0; i < toFlush_.size(); ++i) {
      Connection* connection = toFlush_[i];
      connection->flushQueued = false;
      Session& session = connection->session();
      if (session.barrier != 0 && engine_.commit().mustWait(session.barrier)) {
        const int aofError = engine_.state().aofError.load(std::memory_order_relaxed);
        if (aofError == 0) {
          commitWaiters_.push_back(connection);
          continue;
        }
        if (mustNotShow(session)) connection->failReplies(aofErrorText(aofError));
      }
      connection->flush();
      if (session.out.empty() && session.out.memory() > kShrinkOutput) session.out.shrink();
    }
    toFlush_.clear();
  }
  if (!toClose_.empty()) {
    auto closing = std::move(toClose_);
    toClose_.clear();
    for (uint64_t id : closing) removeConnection(id);
  }
  stats_.turns.add();
  stats_.turnsUs.add(engine_.system().clock.mono() - loop_.now());
  return more;
}

// While the AOF cannot be written: whether replies that depend on writes which are not safe must not be sent. Those of
// the writes themselves never are. Reads that show others' writes are, as in Redis, unless appendfsync is always: what
// has been shown is then on disk.
bool Worker::mustNotShow(Session& session) {
  const bool own = session.lastWrite > session.refusedWrite && !engine_.commit().reached(session.lastWrite);
  if (own) session.refusedWrite = session.lastWrite;
  return own || engine_.state().aofErrorHidesUnsafe.load(std::memory_order_relaxed);
}

// One step of each duty, then a rest: a worker that has nothing else to do sleeps, so that clients
// and other threads find the processor free when they want it.
bool Worker::backgroundStep() {
  if (dutyTimer_ != 0) return false;
  Clock& clock = engine_.system().clock;
  const MonoUs started = clock.mono();
  bool more = false;
  auto duties = engine_.duties();
  for (const auto& duty : *duties) more = duty->step(*this) || more;
  const int64_t rest = (clock.mono() - started) * kDutyRest;
  if (!more || rest == 0) return more;
  dutyTimer_ = loop_.after(rest, [this] { dutyTimer_ = 0; });
  return false;
}

}  // namespace vigil::engine
