// A Stream that begins by connecting: resolves the name on the task pool, then tries the addresses one after another
// until one answers.
//
//   resolving --names found--> connecting --accepted--> connected
//        \______ failed ____________/ (no address left)
//
// Until the attempt has ended, read() and write() would block. When it has ended, the handler hears onWritable() if it
// wants to write; after a failure else onReadable(), if it wants to read. After a failure there is no descriptor (-1),
// and read() and write() tell the error. peer() is the address that was tried last, or the name before there is one.
//
// The resolution runs on another thread; what both sides touch is in Resolution, under its lock. All else, also the
// connect calls, happens on the thread that owns the stream.
#pragma once

#include <memory>
#include <vector>

#include "runtime/socket_address.h"
#include "runtime/tcp_stream.h"

namespace vigil {
class TaskPool;
}

namespace vigil::runtime {

class OutgoingStream final : public TcpStream {
 public:
  OutgoingStream(const Endpoint& to, const ConnectOptions& options, TaskPool& tasks);
  ~OutgoingStream() override;

  void attach(EventLoop& loop, StreamHandler& handler) override;
  void detach() override;
  using TcpStream::write;
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const std::string_view> pieces) override;
  int connectError() const override { return error_; }
  void setNoDelay(bool on) override;
  void setKeepAlive(int seconds) override;

 private:
  struct Found;
  struct Resolution;

  static Found find(const Endpoint& to, const std::string& source, Resolve how);
  static void postResume(EventLoop& loop, const std::shared_ptr<Resolution>& resolution);
  void resolveNames(const Endpoint& to, const std::string& sourceAddress, TaskPool& tasks);
  void begin(Found found);
  void connectNext(int errorSoFar);
  int tryConnect(const SocketAddress& address);  // 0: connected or under way, else the errno value
  void closeSocket();
  void onEvents(uint32_t events) override;
  void arm() override;
  void tellFailure();
  IoResult notConnected() const;

  const uint32_t markId_;
  std::shared_ptr<Resolution> resolution_;      // while a name is being resolved
  std::vector<SocketAddress> addresses_;        // yet to be tried, the next one last
  std::optional<SocketAddress> source_;         // where the connection is to come from
  std::shared_ptr<OutgoingStream*> tellsSoon_;  // held by a posted tellFailure(); null inside: it has nobody to tell
  int error_;                                   // EINPROGRESS until the attempt has ended
  std::optional<bool> noDelay_;                 // asked for, for the socket that will succeed
  std::optional<int> keepAlive_;
};

}  // namespace vigil::runtime
