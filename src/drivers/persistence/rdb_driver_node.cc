// What the driver tells INFO, and its step of a shutdown.
#include <algorithm>
#include <utility>

#include "base/ports/clock.h"
#include "drivers/persistence/rdb_driver.h"

namespace vigil::drivers {

// --- INFO ------------------------------------------------------------------------------------------------------

void RdbDriver::writeInfo(engine::InfoWriter& out) const {
  const RdbStatus now = status();
  // There is no fork, so there is no copy on write of whole pages.
  for (const char* name : {"current_cow_peak", "current_cow_size", "current_cow_size_age"}) out.number(name, 0);
  const double share =
      now.keysTotal == 0 ? 0 : static_cast<double>(now.keysProcessed) / static_cast<double>(now.keysTotal);
  out.fixed("current_fork_perc", 100 * share, 2);
  out.number("current_save_keys_processed", static_cast<int64_t>(now.keysProcessed));
  out.number("current_save_keys_total", static_cast<int64_t>(now.keysTotal));
  out.number("rdb_changes_since_last_save", now.changesSinceLastSave);
  out.number("rdb_bgsave_in_progress", now.saveInProgress ? 1 : 0);
  out.number("rdb_last_save_time", now.lastSave);
  out.field("rdb_last_bgsave_status", now.lastSaveOk ? "ok" : "err");
  out.number("rdb_last_bgsave_time_sec", now.lastSaveSeconds);
  out.number("rdb_current_bgsave_time_sec", now.currentSaveSeconds);
  out.number("rdb_saves", now.saves);
  out.number("rdb_last_cow_size", 0);
  out.number("rdb_last_load_keys_expired", static_cast<int64_t>(now.lastLoadKeysExpired));
  out.number("rdb_last_load_keys_loaded", static_cast<int64_t>(now.lastLoadKeysLoaded));
}

void RdbDriver::writeLoadingInfo(engine::InfoWriter& out) const {
  const RdbStatus now = status();
  if (!now.loading) return;
  const auto total = static_cast<double>(std::max<uint64_t>(1, now.loadingTotalBytes));
  const auto loaded = static_cast<double>(now.loadingLoadedBytes);
  const int64_t elapsed = unixSeconds() - now.loadingStart;
  out.number("loading_start_time", now.loadingStart);
  out.number("loading_total_bytes", static_cast<int64_t>(now.loadingTotalBytes));
  out.number("loading_rdb_used_mem", now.loadingUsedMemory);
  out.number("loading_loaded_bytes", static_cast<int64_t>(now.loadingLoadedBytes));
  out.fixed("loading_loaded_perc", 100 * loaded / total, 2);
  const double remaining = static_cast<double>(elapsed) * (total - loaded) / std::max(1.0, loaded);
  out.number("loading_eta_seconds", elapsed == 0 ? 1 : static_cast<int64_t>(remaining));
}

// --- Shutdown --------------------------------------------------------------------------------------------------

void RdbDriver::shutDown(const engine::Shutdown::Request& request, Done done) {
  if (status().saveInProgress) engine_.logger().warning("There is a snapshot under way. Giving it up!");
  // What is half loaded must not take the place of the file it is loaded from.
  const bool wanted = (request.save || hasSavePoints()) && !request.noSave && !engine_.state().loading.load();
  if (!wanted) return done({});
  saveForShutdown(request.force, [this, done = std::move(done)](Status status) mutable {
    engine_.control().post([done = std::move(done), status = std::move(status)]() mutable { done(std::move(status)); });
  });
}

void RdbDriver::saveForShutdown(bool force, Done done) {
  auto finish = [this, force, done = std::move(done)](Status status) mutable {
    if (status) return done({});
    if (force) return done(fail("Error trying to save the DB. Exit anyway."));
    engine_.withWorld([this] {
      engine_.pause().clear(engine::Pause::Purpose::kShutdown);
      engine_.resumePaused();
    });
    engine_.process().supervisorStatus("Error trying to save the DB, can't exit.");
    done(fail("Error trying to save the DB, can't exit."));
  };
  auto shared = std::make_shared<Done>(std::move(finish));
  engine_.withWorld([this, shared] {
    engine_.pause().set(engine::Pause::Purpose::kShutdown, engine::Pause::Kind::kAll, INT64_MAX);
    engine_.logger().notice("Saving the final RDB snapshot before exiting.");
    engine_.process().supervisorStatus("Saving the final RDB snapshot");
    cancelBackground();
    // The cancelled save ends on the executor, and this one begins only then.
    executor_->submit([this, shared] {
      auto started = save(Kind::kWaitedFor, [shared](Status status) { (*shared)(std::move(status)); });
      if (!started) (*shared)(std::move(started));
    });
  });
}

}  // namespace vigil::drivers
