// Port: byte streams between processes (TCP, Unix sockets, TLS over either), never blocking.
//
// A stream is read and written directly by its owner; its handler only hears that it became readable or writable.
// Between attach() and detach() a stream belongs to one loop, and its handler is called on that loop's thread.
// write() alone may be called from another thread, by one thread at a time (a replica's feed is pumped by whichever
// worker has new bytes for it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vigil {

class EventLoop;

struct Endpoint {
  std::string host;   // an address or a name; for a Unix socket its path
  uint16_t port = 0;  // 0 says that host is the path of a Unix socket
  bool operator==(const Endpoint&) const = default;
  bool isUnix() const { return port == 0; }
};

struct IoResult {
  enum class Kind : uint8_t { kDone, kWouldBlock, kClosed, kFailed };
  Kind kind = Kind::kWouldBlock;
  size_t bytes = 0;  // kDone: how many were read or written, at least 1 (a write may be partial)
  int error = 0;     // kFailed: the errno value
  bool done() const { return kind == Kind::kDone; }
  bool wouldBlock() const { return kind == Kind::kWouldBlock; }
  bool broken() const { return kind == Kind::kClosed || kind == Kind::kFailed; }
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // There is something to read(): bytes, the end of the stream, or an error. Level triggered: it is called again on
  // the next turn of the loop as long as that is so and reading is wanted.
  virtual void onReadable() = 0;
  // Wanted, and room for a write() (or the connection attempt ended: see Stream::connectError()).
  virtual void onWritable() = 0;
};

class Stream {
 public:
  // Closes. A handler is never called after its stream is destroyed, detached or closed.
  virtual ~Stream() = default;

  // Begins to deliver events of `loop` to `handler`; reading wanted, writing not. Call on the loop's thread.
  virtual void attach(EventLoop& loop, StreamHandler& handler) = 0;
  // Ends delivery; the stream can then be moved to another thread and attached there. No byte is lost.
  virtual void detach() = 0;
  virtual void wantRead(bool wanted) = 0;
  virtual void wantWrite(bool wanted) = 0;

  virtual IoResult read(std::span<char> into) = 0;
  // Gathers the pieces in order; kDone with fewer bytes than given means the rest was not taken.
  virtual IoResult write(std::span<const std::string_view> pieces) = 0;
  IoResult write(std::string_view bytes) { return write(std::span<const std::string_view>(&bytes, 1)); }

  // For a stream of Network::connect(): 0 once connected, EINPROGRESS while it is under way, else why it failed.
  virtual int connectError() const = 0;
  // The same in words; where TLS refused, in its words.
  virtual std::string connectErrorText() const { return std::strerror(connectError()); }

  virtual Endpoint peer() const = 0;   // of an accepted Unix socket: its path and port 0
  virtual Endpoint local() const = 0;
  virtual int descriptor() const = 0;  // what CLIENT LIST shows as fd; unique among the open streams of the process
  virtual void setNoDelay(bool on) = 0;
  virtual void setKeepAlive(int seconds) = 0;  // 0 turns it off
};

// Keeps accepting until destroyed.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual Endpoint local() const = 0;
};

// TLS for what a listener accepts, with the process's certificates. A connection is handed over once its handshake has
// succeeded, on the thread of the loop that it ran on.
struct TlsListenOptions {
  std::vector<EventLoop*> loops = {};  // where handshakes run, in turn (they cost a millisecond each); none: the listener's
  // Asked before each handshake, on the listener's loop: what holds a place for it, and is let go of just before the
  // connection is handed over; nothing closes it.
  std::function<std::shared_ptr<void>()> admit = {};
};

struct ListenOptions {
  int backlog = 511;
  uint32_t unixPermissions = 0;  // 0: as the umask gives
  uint32_t markId = 0;
  std::optional<TlsListenOptions> tls = {};
};

struct ConnectOptions {
  std::string sourceAddress = {};  // empty: the system's choice
  uint32_t markId = 0;
  bool tls = false;  // with the process's certificates; the attempt ends with the handshake
};

// Thread safe; the handlers run on the loop given (of TLS: see TlsListenOptions).
class Network {
 public:
  // Takes a new connection, not yet attached to any loop; it may be moved to another thread for that.
  using AcceptHandler = std::function<void(std::unique_ptr<Stream>)>;

  virtual ~Network() = default;
  virtual Result<std::unique_ptr<Listener>> listen(EventLoop& loop, const Endpoint& at, const ListenOptions& options,
                                                   AcceptHandler onAccept) = 0;
  // Begins to connect. `to.host` may be a name: it is resolved without blocking the caller. The stream becomes
  // writable when the attempt has ended; connectError() says how.
  virtual std::unique_ptr<Stream> connect(const Endpoint& to, const ConnectOptions& options) = 0;
};

}  // namespace vigil
