// A stop waits for replicas that lag, for at most shutdown-timeout: writes are paused meanwhile, so that what they
// acknowledge last is all there is.
//
// On the control loop, but for what any thread may ask.
#pragma once

#include <atomic>

#include "drivers/replication/master_driver.h"
#include "drivers/replication/replication_options.h"
#include "engine/engine.h"
#include "engine/shutdown.h"

namespace vigil::drivers {

class ShutdownWait {
 public:
  ShutdownWait(engine::Engine& engine, ReplicationOptions& options, MasterDriver& master)
      : engine_(engine), options_(options), master_(master) {}

  engine::Shutdown::Step step();
  void progress();  // acknowledgements came, replicas came or went, time passed
  // Any thread: until the wait is over at the latest, -1 while there is none.
  int64_t millisecondsLeft() const;

 private:
  using Done = engine::Shutdown::Done;

  void start(const engine::Shutdown::Request& request, Done done);
  void finish();
  void resumeWrites();
  bool lags(const replication::Replica& replica) const;
  bool anyLags() const;
  void logReplicas() const;

  engine::Engine& engine_;
  ReplicationOptions& options_;
  MasterDriver& master_;
  Done done_;                            // set while it waits
  std::atomic<MonoUs> deadline_{0};      // 0: it does not wait
  bool paused_ = false;
};

}  // namespace vigil::drivers
