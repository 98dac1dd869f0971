// A Stream over a connected socket, TCP or Unix: what a listener accepts, and the base of OutgoingStream.
//
// Thread safety: as Stream says; write() reads nothing that the loop's thread changes once the stream is connected.
//
// A stream costs one epoll_ctl when it is attached and none per request. What the handler wants (wanted_) and what
// epoll watches for (armed_) may differ: wantRead(false) changes nothing in the kernel until bytes really come, so a
// connection that is put back and resumed within a turn pays nothing. A connection that broke while its handler wants
// neither is taken out of epoll, which would report it for ever, until something is wanted again.
#pragma once

#include <optional>

#include "base/ports/stream.h"
#include "runtime/machine_loop.h"

namespace vigil::runtime {

class TcpStream : public Stream, protected Watcher {
 public:
  // Owns `descriptor`, a non-blocking connected socket.
  TcpStream(int descriptor, Endpoint peer);
  ~TcpStream() override;
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  void attach(EventLoop& loop, StreamHandler& handler) override;
  void detach() override;
  void wantRead(bool wanted) override;
  void wantWrite(bool wanted) override;

  using Stream::write;
  IoResult read(std::span<char> into) override;
  IoResult write(std::span<const std::string_view> pieces) override;

  int connectError() const override { return 0; }
  Endpoint peer() const override { return peer_; }
  Endpoint local() const override;
  int descriptor() const override { return descriptor_; }
  void setNoDelay(bool on) override;
  void setKeepAlive(int seconds) override;

 protected:
  void onEvents(uint32_t events) override;
  // Calls the handler as if epoll had reported `events`, on the loop's thread, with the stream in delivery or in a
  // task that nobody else knows of. The stream may be gone afterwards.
  void callHandler(uint32_t events);
  virtual void arm();  // makes epoll watch for what is wanted, if it does not yet

  int descriptor_;
  MachineLoop* loop_ = nullptr;         // set while attached
  StreamHandler* handler_ = nullptr;  // set while attached
  uint32_t wanted_ = 0;               // of EPOLLIN, EPOLLOUT: what the handler wants
  uint32_t armed_ = 0;                // what epoll watches for; more than wanted_ for a while
  bool watched_ = false;              // known to epoll
  Endpoint peer_;

 private:
  mutable std::optional<Endpoint> local_;
};

}  // namespace vigil::runtime
