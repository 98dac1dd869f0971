#include "drivers/sentinel/state_keeper.h"

#include <utility>

#include "base/config.h"
#include "base/ports/files.h"
#include "sentinel/planted_bugs.h"

namespace vigil::drivers {

namespace {
constexpr MonoUs kRetry = 1'000'000;
}

StateKeeper::StateKeeper(const System& system, Logger& logger, const ConfigRegistry& registry, std::string file)
    : system_(system), logger_(logger), registry_(registry), file_(std::move(file)) {}

Status StateKeeper::start(EventLoop& loop) {
  loop_ = &loop;
  disk_ = system_.tasks.makeSerial("sentinel-state", Urgency::kPrompt);
  auto text = newText();
  if (!text) return std::unexpected(text.error());
  if (auto replaced = replaceFileDurably(system_.files, file_, *text); !replaced) return replaced;
  kept_ = version_;
  return {};
}

void StateKeeper::stop() {
  disk_.reset();
  waiters_.clear();
}

void StateKeeper::whenKept(Then then) {
  if (settled() || planted(sentinel::kVoteNotPersisted)) {
    write();
    return then(true);
  }
  waiters_.push_back({version_, std::move(then)});
  write();
}

void StateKeeper::write() {
  if (kept_ == version_ || writing_) return;
  if (failing_ && waiters_.empty() && loop_->now() < retryAt_) return;
  writing_ = true;
  disk_->submit([this, version = version_, text = newText()] {
    Status status = text ? replaceFileDurably(system_.files, file_, *text) : std::unexpected(text.error());
    loop_->post([this, version, status = std::move(status)] { written(version, status); });
  });
}

// What the user wrote into the file meanwhile stays: it is read anew each time, a few kilobytes.
Result<std::string> StateKeeper::newText() const {
  auto old = readWholeFile(system_.files, file_);
  if (!old) return std::unexpected(old.error());
  return registry_.rewrite(*old);
}

void StateKeeper::written(uint64_t version, const Status& status) {
  if (disk_ == nullptr) return;  // stopped meanwhile
  writing_ = false;
  if (status) {
    kept_ = version;
    logger_.notice("Sentinel new configuration saved on disk");
  } else if (!failing_) {
    logger_.warning("WARNING: Sentinel was not able to save the new configuration on disk!!!: " +
                    status.error().message);
  }
  failing_ = !status;
  retryAt_ = loop_->now() + kRetry;
  while (!waiters_.empty() && waiters_.front().version <= version) {
    Then then = std::move(waiters_.front().then);
    waiters_.pop_front();
    then(status.has_value());
  }
  if (status || !waiters_.empty()) write();
}

}  // namespace vigil::drivers
