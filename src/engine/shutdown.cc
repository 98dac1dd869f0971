#include "engine/shutdown.h"

#include <algorithm>
#include <utility>

#include "base/log_line.h"

namespace vigil::engine {

void Shutdown::add(Step step) {
  auto behind = std::ranges::upper_bound(steps_, step.stage, {}, &Step::stage);
  steps_.insert(behind, std::move(step));
}

void Shutdown::request(Request request, std::move_only_function<void()> failed) {
  control_->post([this, request, failed = std::move(failed)]() mutable { begin(request, std::move(failed)); });
}

void Shutdown::begin(Request request, std::move_only_function<void()> failed) {
  if (failed) waiting_.push_back(std::move(failed));
  if (running_) {
    request_.now = request_.now || request.now;
    request_.force = request_.force || request.force;
    if (request.now && at_ < steps_.size() && steps_[at_].hurry) steps_[at_].hurry();
    return;
  }
  logger_.warning("User requested shutdown...");
  if (begun_) begun_();
  running_ = true;
  ++attempt_;
  at_ = 0;
  request_ = request;
  next();
}

void Shutdown::next() {
  if (at_ == steps_.size()) {
    if (exit_) exit_();
    return;
  }
  steps_[at_].start(request_, [this, attempt = attempt_](Status status) { onStepDone(attempt, std::move(status)); });
}

void Shutdown::onStepDone(uint64_t attempt, Status status) {
  if (!running_ || attempt != attempt_) return;
  if (!status) {
    logger_.warning(status.error().message);
    if (!request_.force) {
      logger_.warning("Errors trying to shut down the server. Check the logs for more information.");
      return giveUp();
    }
  }
  ++at_;
  next();
}

void Shutdown::giveUp() {
  running_ = false;
  for (size_t i = 0; i < steps_.size() && i <= at_; ++i) {
    if (steps_[i].undo) steps_[i].undo();
  }
  for (auto& failed : std::exchange(waiting_, {})) failed();
}

void Shutdown::abort(std::move_only_function<void(bool)> answer) {
  control_->post([this, answer = std::move(answer)]() mutable {
    if (!running_ || at_ == steps_.size() || !steps_[at_].cancel) return answer(false);
    steps_[at_].cancel();
    logger_.notice("Shutdown manually aborted.");
    answer(true);
    giveUp();
  });
}

}  // namespace vigil::engine
