// The connection to our master from the attempt to connect until its stream begins: carries lines of the handshake and
// the transfer of a snapshot. One per attempt; on the control thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/config_specials.h"
#include "base/ports/stream.h"
#include "replication/replica_link.h"
#include "replication/transfer_reader.h"

namespace vigil::drivers {

class SnapshotLoader;

class MasterConnection final : public StreamHandler {
 public:
  // Takes the events of the connection; may end it (destroy this object) during the call.
  using Events = std::function<void(replication::LinkEvent)>;

  // `received` counts the bytes.
  MasterConnection(EventLoop& loop, std::unique_ptr<Stream> stream, std::atomic<int64_t>& received, Events events);
  ~MasterConnection() override;

  void send(std::string_view bytes);
  // What follows is a transfer, for this loader. `complete` is called when all of it has been handed over.
  void receiveSnapshot(std::shared_ptr<SnapshotLoader> loader, std::function<void()> complete);
  // The loader can take more.
  void resume();
  // What follows is neither line nor transfer: it is kept until release().
  void hold();
  // While the snapshot is loaded: tells the master that we are alive.
  void keepAlive();
  // Gives the stream away, with what was read behind the handshake or the transfer.
  std::unique_ptr<Stream> release(std::string& unread);

  void onReadable() override;
  void onWritable() override;

  int64_t transferLength() const { return transfer_.length(); }
  int64_t transferReceived() const { return transfer_.received(); }

 private:
  enum class Mode : uint8_t { kConnecting, kLines, kTransfer, kLoading, kHeld };

  bool read();
  void takeLines();
  void takeTransfer();
  bool tell(replication::LinkEvent event);

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::atomic<int64_t>& received_;
  Events events_;
  Mode mode_ = Mode::kConnecting;
  std::string input_;
  std::string output_;
  bool begun_ = false;
  replication::TransferReader transfer_;
  std::shared_ptr<SnapshotLoader> loader_;
  std::function<void()> complete_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // false: destroyed during a call of events_
};

}  // namespace vigil::drivers
