// One client's socket: reads requests for its session, writes the session's replies. Lives on one worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/ports/stream.h"
#include "engine/session.h"
#include "wire/resp_parser.h"

namespace vigil::engine {

struct Message;
class Worker;

class Connection final : public StreamHandler {
 public:
  Connection(Worker& worker, std::unique_ptr<Stream> stream, std::shared_ptr<ClientInfo> info);
  ~Connection() override;

  Session& session() { return session_; }
  Stream& stream() { return *stream_; }
  Worker& worker() { return worker_; }
  wire::RequestParser& parser() { return parser_; }

  void onReadable() override;
  void onWritable() override;

  // Runs what was read of this connection in the same turn, by way of Arrivals.
  void run(std::string_view bytes);
  // Goes on with input that waited while the session was suspended.
  void resume();
  // Sends what may be sent. Called by the worker at the end of a turn, and when the commit point moved.
  void flush();
  // Something that others pushed: behind the replies so far.
  void receive(const Message& message, oplog::Offset depends);
  // It has not read what was pushed to it.
  void closeOverLimit();
  // Now and then: a client that reads nothing, and to which nothing more is sent, is closed by nothing else.
  void enforceOutputLimit();
  // What the waiting replies depend on may never be safe: each becomes this error, so that nothing is acknowledged. Where
  // a part of them was sent already, the connection closes instead.
  void failReplies(std::string_view error);
  bool flushQueued = false;  // the worker has it on its list of connections to flush

  // Now and then: gives back an output buffer of which little has been needed lately.
  void trimOutput(MonoUs now);

  bool overOutputLimit();
  // Closes at the end of this turn of the loop.
  void close(std::string_view reason);
  bool closing() const { return closing_; }

  // Gives the stream away (a replica's link, a master's stream): nothing more is read or written here.
  std::unique_ptr<Stream> releaseStream();
  // Input that was received but not executed.
  std::string takeUnread() { return std::move(input_); }

  // The parser has met what is no protocol in `unread`.
  void logProtocolError(std::string_view unread);
  // Brings ClientInfo up to date.
  void publishInfo();
  void publishMemory();  // its part about the input and the output

  size_t inputSize() const { return input_.size(); }
  MonoUs outputSoftSince() const { return softSince_; }

 private:
  void process(std::string_view bytes, bool shared);
  void endInput();
  void endIfDone();
  std::string description();  // as CLIENT LIST shows it, for the log

  Worker& worker_;
  std::unique_ptr<Stream> stream_;
  Session session_;
  wire::RequestParser parser_;
  std::string input_;  // received, not executed: begins where a command begins
  bool closing_ = false;
  bool inputEnded_ = false;  // the peer sends no more, and may still read
  bool arriving_ = false;    // Arrivals has something that it sent
  bool wantsWrite_ = false;
  bool pushed_ = false;  // there is something in the output that is no reply
  size_t outputPeak_ = 0;  // the most that was in the output since peakSince_
  MonoUs peakSince_ = 0;
  MonoUs softSince_ = 0;  // since when the output is over its soft limit
};

}  // namespace vigil::engine
