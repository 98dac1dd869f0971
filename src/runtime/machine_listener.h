// Accepts on one socket, TCP or Unix, in its loop, up to a bound per turn. When the process or the system has no
// descriptor left, it says so in the log and pauses a little instead of being woken for the same connection for ever.
#pragma once

#include <memory>

#include "base/ports/stream.h"
#include "runtime/machine_loop.h"

namespace vigil {
class Logger;
}

namespace vigil::runtime {

class MachineListener final : public Listener, private Watcher {
 public:
  // The error is what Redis logs after the address: "bind: Address already in use". A file in the place of a Unix
  // socket is removed first, as Redis does. May be called on any thread; destroy it on the loop's.
  static Result<std::unique_ptr<MachineListener>> open(MachineLoop& loop, const Endpoint& at,
                                                       const ListenOptions& options, Network::AcceptHandler onAccept,
                                                       Logger& log);
  MachineListener(MachineLoop& loop, int descriptor, Network::AcceptHandler onAccept, Logger& log);
  ~MachineListener() override;

  Endpoint local() const override { return local_; }

 private:
  void onEvents(uint32_t events) override;
  void onAcceptFailed(int error);

  MachineLoop& loop_;
  const int descriptor_;
  const Endpoint local_;
  Network::AcceptHandler onAccept_;
  Logger& log_;
  TimerId resume_ = 0;  // set while paused
};

}  // namespace vigil::runtime
