// MIGRATE: moves keys to another node, Vigil or redis-server.
//
//   worker:   values dumped under the keys' locks, keys held (engine::HeldKeys), the client waits
//   control:  a Transfer to the target
//   worker:   what the target accepted is deleted under the locks, unless it changed meanwhile; the hold ends, the client
//             hears the outcome
//
// No thread waits for the network. No acknowledged write to a key is lost on the way: commands that name it wait for the
// end, and what went past the hold keeps the key here, with an error for who asked to move it.
//
// MIGRATE comes from any worker; the rest is on the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/ports/clock.h"
#include "command/spec.h"
#include "drivers/migration/migrate_arguments.h"
#include "drivers/migration/peer_pool.h"
#include "drivers/migration/transfer.h"

namespace vigil::command {
class Reply;
}
namespace vigil::engine {
class DeferredReply;
class Engine;
class HeldKeys;
}  // namespace vigil::engine

namespace vigil::drivers {

// MIGRATE. Its owner is a Migration.
std::span<const command::CommandSpec> migrationCommands();

class Migration {
 public:
  // `how`: how targets are reached, asked for anew each time.
  Migration(engine::Engine& engine, std::function<ConnectOptions()> how) : engine_(engine), how_(std::move(how)) {}

  void registerCommands();  // before Engine::start()
  void start();             // after it, before the loops run
  void stop();              // the loops have stopped

  // One call of MIGRATE, from its handler to its reply.
  struct Call {
    std::string target;  // host:port
    Endpoint endpoint;
    TransferJob job;
    bool mayRetry = true;
    std::vector<UnixMs> expireAt;  // by key
    bool replica = false;          // what this node was when the call came
    std::shared_ptr<engine::HeldKeys> held;  // nullptr with COPY
    std::shared_ptr<engine::DeferredReply> later;
    std::optional<std::string> kept;  // a key that the target has and that could not be deleted here
  };
  void begin(std::shared_ptr<Call> call);  // any thread

 private:
  void transfer(const std::shared_ptr<Call>& call, bool fresh);
  void ended(const std::shared_ptr<Call>& call, Transfer* transfer, Transfer::Outcome outcome);
  void conclude(const std::shared_ptr<Call>& call, Transfer::End end);

  engine::Engine& engine_;
  const std::function<ConnectOptions()> how_;
  std::optional<PeerPool> pool_;
  std::list<std::unique_ptr<Transfer>> transfers_;
};

}  // namespace vigil::drivers
