// What the benchmarks of whole nodes share: a stream that is no socket, and a log that nobody reads.
#pragma once

#include <string_view>

#include "base/log_line.h"
#include "base/ports/stream.h"

namespace vigil {

class SilentLogger final : public Logger {
 protected:
  void write(LogLevel, std::string_view) override {}
};

// Has everything of a connection on loopback but its bytes.
class SocketlessStream : public Stream {
 public:
  void wantWrite(bool) override {}
  int connectError() const override { return 0; }
  Endpoint peer() const override { return {"127.0.0.1", 1}; }
  Endpoint local() const override { return {"127.0.0.1", 6379}; }
  int descriptor() const override { return 8; }
  void setNoDelay(bool) override {}
  void setKeepAlive(int) override {}
};

}  // namespace vigil
