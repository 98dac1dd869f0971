// The last bytes of a stream whose owner is gone: sent as its peer takes them, for half a minute at most, then closed.
#pragma once

#include <memory>
#include <string>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"

namespace vigil::runtime {

// Belongs to its timer's task on the loop, and so goes with the loop at the latest.
class LingeringOutput final : public StreamHandler, public std::enable_shared_from_this<LingeringOutput> {
 public:
  // On the loop's thread; the stream is not attached. Where many linger already it is closed at once.
  static void begin(EventLoop& loop, std::unique_ptr<Stream> stream, std::string bytes);

  LingeringOutput(EventLoop& loop, std::unique_ptr<Stream> stream, std::string bytes);
  ~LingeringOutput() override;

 private:
  void onReadable() override {}  // never wanted
  void onWritable() override;

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  const std::string bytes_;
  size_t sent_ = 0;
  TimerId timer_ = 0;
};

}  // namespace vigil::runtime
