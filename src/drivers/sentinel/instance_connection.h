// One connection of a Sentinel to an instance: carries commands out and their answers back, or the messages of the
// hello channel. Tells the core what happens in its terms.
//
// On the control loop. close() ends it at once; the object itself must outlive the call that it is made from.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "sentinel/effect.h"
#include "wire/resp_reply_parser.h"

namespace vigil::drivers {

class InstanceConnection final : public StreamHandler {
 public:
  using Events = std::function<void(const sentinel::Event&)>;

  // `effect`: the kConnect that asks for it.
  InstanceConnection(EventLoop& loop, std::unique_ptr<Stream> stream, const sentinel::Effect& effect, Events events);

  // Takes a command; it leaves with flush().
  void send(const std::vector<std::string>& words, sentinel::Request request);
  void flush();
  void close();

  uint64_t attempt() const { return about_.attempt; }
  // While the attempt is under way: what the host's name was found to mean, or still the name.
  std::optional<std::string> tried() const;

  void onReadable() override;
  void onWritable() override;

 private:
  void connected();
  void takeReplies();
  void onReply(wire::RespValue reply);
  void broken();
  sentinel::Event event(sentinel::Event::Kind kind) const;

  std::unique_ptr<Stream> stream_;  // null: closed
  const sentinel::Event about_;     // instance, channel and attempt of all its events
  Events events_;
  bool connected_ = false;
  std::deque<sentinel::Request> expected_;
  wire::ReplyParser parser_{wire::kShortReplies};
  std::string input_;
  std::string output_;
};

}  // namespace vigil::drivers
