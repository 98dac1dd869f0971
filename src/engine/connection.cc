#include "engine/connection.h"

#include <algorithm>

#include "engine/client_list.h"
#include "engine/engine.h"
#include "engine/message.h"
#include "engine/worker.h"
#include "wire/resp_reply_parser.h"

namespace vigil::engine {

namespace {

constexpr size_t kReadChunk = 16 * 1024;
constexpr size_t kPieces = 32;                  // gathered into one write
constexpr size_t kPushesUnchecked = 64 * 1024;  // of output: no limit on what was pushed is looked at below it
constexpr int kReadsPerTurn = 4;                // of one connection, before the others have their turn

// Most of what is sent is one piece; room for many is made ready only where it is not.
[[gnu::noinline]] IoResult writePieces(Stream& stream, const command::OutputBuffer& out) {
  std::string_view pieces[kPieces];
  const size_t count = out.gather(pieces, kPieces);
  return stream.write(std::span<const std::string_view>(pieces, count));
}

IoResult writeSome(Stream& stream, const command::OutputBuffer& out) {
  std::string_view first;
  out.gather(&first, 1);
  return first.size() == out.pending() ? stream.write(first) : writePieces(stream, out);
}

}  // namespace

Connection::Connection(Worker& worker, std::unique_ptr<Stream> stream, std::shared_ptr<ClientInfo> info)
    : worker_(worker), stream_(std::move(stream)) {
  session_.connection = this;
  session_.id = info->id;
  session_.info = std::move(info);
  session_.info->connection = this;
}

Connection::~Connection() { session_.info->connection = nullptr; }

void Connection::onReadable() {
  if (closing_) return;
  for (int i = 0; i < kReadsPerTurn && !closing_ && stream_; ++i) {
    // With nothing left over, a read goes to memory of the worker's, and only what stays unexecuted is kept.
    bool shared = input_.empty() && session_.suspended == Session::Suspended::kNo;
    std::span<char> room;
    IoResult got;
    if (shared) {
      room = worker_.arrivals().room();
      got = stream_->read(room);
    } else {
      const size_t before = input_.size();
      const size_t want = std::max<size_t>(kReadChunk, std::min<uint64_t>(parser_.missing(), 64 << 20));
      // Not resize(), which would clear all the room for what may be a few bytes.
      input_.resize_and_overwrite(before + want, [&](char* bytes, size_t) {
        room = {bytes + before, want};
        got = stream_->read(room);
        return before + (got.done() ? got.bytes : 0);
      });
    }
    if (got.wouldBlock()) return;
    if (got.kind == IoResult::Kind::kClosed) return endInput();
    if (got.broken()) return close("Reading from client failed");
    worker_.stats().netInput.add(static_cast<int64_t>(got.bytes));
    worker_.stats().reads.add();
    session_.info->lastInteraction.store(worker_.loop().now(), std::memory_order_relaxed);
    if (shared) {
      arriving_ = true;
      if (worker_.arrivals().keep(*this, got.bytes)) return;
      arriving_ = false;
      process({room.data(), got.bytes}, true);
    } else if (session_.suspended == Session::Suspended::kNo) {
      process(input_, false);
    } else {
      publishMemory();
    }
    // Whole arguments of a long request do not count: each has proto-max-bulk-len for a limit of its own.
    if (input_.size() - std::min(input_.size(), parser_.taken()) > worker_.engine().options().queryBufferLimit.load(std::memory_order_relaxed)) {
      worker_.stats().queryBufferLimitDisconnections.add();
      worker_.engine().logger().warning("Closing client that reached max query buffer length: " + description());
      close("query buffer limit");
      return;
    }
    if (got.bytes < room.size()) return;
  }
}

// What was sent before the end is still run, and answered: the peer may have closed its side alone. A client that waits
// for a key or for the end of a pause has gone, as in Redis.
void Connection::endInput() {
  inputEnded_ = true;
  if (worker_.engine().logger().level() <= LogLevel::kVerbose) {
    worker_.engine().logger().verbose("Client closed connection " + description());
  }
  stream_->wantRead(false);
  endIfDone();
}

void Connection::endIfDone() {
  if (closing_ || arriving_) return;
  using Suspended = Session::Suspended;
  switch (session_.suspended) {
    case Suspended::kPutBack:
      return;
    case Suspended::kWaiting:
      if (!session_.endWait) return;
      break;
    case Suspended::kNo:
      if (session_.out.empty()) break;
      session_.closeAfterReply = true;
      return worker_.queueFlush(*this);
    case Suspended::kBlocked:
    case Suspended::kPaused:
      break;
  }
  close("Client closed connection");
}

void Connection::run(std::string_view bytes) {
  arriving_ = false;
  if (closing_) return;
  if (session_.suspended == Session::Suspended::kNo) return process(bytes, true);
  input_.append(bytes);  // by a task of the same turn
  publishMemory();
}

void Connection::process(std::string_view bytes, bool shared) {
  size_t consumed = worker_.execute(*this, bytes);
  if (closing_ && !session_.closeAfterReply) return;
  const size_t before = input_.size();
  if (shared) {
    if (consumed < bytes.size()) input_.assign(bytes.substr(consumed));
  } else {
    input_.erase(0, consumed);
    if (input_.empty() && input_.capacity() > 4 * kReadChunk) std::string().swap(input_);
  }
  if (before != 0 || !input_.empty()) publishMemory();
  if (inputEnded_) endIfDone();
}

void Connection::resume() {
  session_.suspended = Session::Suspended::kNo;
  if (closing_) return;
  if (!input_.empty()) {
    process(input_, false);
  } else if (inputEnded_) {
    endIfDone();
  }
}

void Connection::onWritable() {
  // By way of the worker, who knows what may not be sent yet. Until it has been, room for it is no news.
  stream_->wantWrite(false);
  wantsWrite_ = false;
  worker_.queueFlush(*this);
}

void Connection::flush() {
  if (!stream_ || (closing_ && !session_.closeAfterReply)) return;
  auto& out = session_.out;
  outputPeak_ = std::max(outputPeak_, out.pending());
  while (!out.empty()) {
    const IoResult sent = writeSome(*stream_, out);
    if (sent.done()) {
      worker_.stats().netOutput.add(static_cast<int64_t>(sent.bytes));
      worker_.stats().writes.add();
      session_.info->lastInteraction.store(worker_.loop().now(), std::memory_order_relaxed);
      out.consume(sent.bytes);
      continue;
    }
    if (sent.wouldBlock()) break;
    close("Error writing to client");
    return;
  }
  bool more = !out.empty();
  if (!more) {
    softSince_ = 0;
    session_.barrier = 0;
    pushed_ = false;
    if (session_.closeAfterReply) close("reply sent");
  } else if (overOutputLimit()) {
    return closeOverLimit();
  }
  publishMemory();
  if (more != wantsWrite_) {
    wantsWrite_ = more;
    stream_->wantWrite(more);
  }
}

void Connection::trimOutput(MonoUs now) {
  const OutputTrimming& trimming = worker_.engine().options().outputTrimming;
  const size_t before = session_.out.memory();
  if (outputPeak_ < before / 2) {
    session_.out.shrink();
    if (session_.out.memory() != before) {
      worker_.stats().outputTrims.add();
      publishMemory();
    }
  }
  const int64_t resetMs = trimming.peakResetMs.load(std::memory_order_relaxed);
  if (resetMs < 0 || now - peakSince_ < resetMs * 1000) return;
  outputPeak_ = 0;
  peakSince_ = now;
}

void Connection::receive(const Message& message, oplog::Offset depends) {
  if (closing_) return;
  const bool subscribed = (session_.info->flags.load(std::memory_order_relaxed) & kClientPubsub) != 0;
  message.appendTo(session_.out, {session_.protocol, subscribed});
  pushed_ = true;
  session_.barrier = std::max(session_.barrier, depends);
  worker_.queueFlush(*this);
  publishMemory();
  if (session_.out.memory() > kPushesUnchecked && overOutputLimit()) closeOverLimit();
}

void Connection::closeOverLimit() {
  worker_.stats().outputBufferLimitDisconnections.add();
  worker_.engine().logger().warning("Client " + description() +
                                    " scheduled to be closed ASAP for overcoming of output buffer limits.");
  session_.closeAfterReply = false;
  close("output buffer limit");
}

void Connection::enforceOutputLimit() {
  if (!closing_ && !session_.out.empty() && overOutputLimit()) closeOverLimit();
}

void Connection::failReplies(std::string_view error) {
  if (wantsWrite_ || pushed_) return close("replies that are not safe");
  auto& out = session_.out;
  std::string bytes;
  std::string_view pieces[kPieces];
  while (!out.empty()) {
    const size_t before = bytes.size();
    const size_t count = out.gather(pieces, kPieces);
    for (size_t i = 0; i < count; ++i) bytes.append(pieces[i]);
    out.consume(bytes.size() - before);
  }
  out.clear();
  std::string_view rest = bytes;
  wire::ReplyParser parser;
  size_t consumed = 0;
  while (!rest.empty() && parser.feed(rest, consumed) == wire::ReplyParser::Outcome::kComplete) {
    rest.remove_prefix(consumed);
    session_.reply.error(error);
  }
}

bool Connection::overOutputLimit() {
  bool pubsub = (session_.info->flags.load(std::memory_order_relaxed) & kClientPubsub) != 0;
  OutputBufferLimit limit = worker_.engine().options().outputLimits.load().of[pubsub ? OutputBufferLimits::kPubSub
                                                                                     : OutputBufferLimits::kNormal];
  size_t used = session_.out.memory();
  if (limit.hardBytes != 0 && used >= limit.hardBytes) return true;
  if (limit.softBytes == 0 || used < limit.softBytes) {
    softSince_ = 0;
    return false;
  }
  MonoUs now = worker_.loop().now();
  if (softSince_ == 0) softSince_ = now;
  return now - softSince_ > limit.softSeconds * 1'000'000;
}

void Connection::close(std::string_view reason) {
  if (closing_ && !stream_) return;
  if (!closing_)
    worker_.engine().logger().debug("Closing client addr=" + session_.info->address + ": " + std::string(reason));
  closing_ = true;
  session_.closeAfterReply = false;
  worker_.closeLater(*this);
}

std::unique_ptr<Stream> Connection::releaseStream() {
  stream_->detach();
  closing_ = true;
  worker_.closeLater(*this);
  return std::move(stream_);
}

void Connection::logProtocolError(std::string_view unread) {
  constexpr size_t kShown = 128;
  const auto printable = [](std::string_view part) {
    std::string text(part);
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < ' ' || c > '~'; }, '.');
    return "'" + text + "'";
  };
  std::string text = printable(unread.substr(0, unread.size() < kShown ? kShown : kShown / 2));
  if (unread.size() >= kShown) {
    text += " (... more " + std::to_string(unread.size() - kShown) + " bytes ...) " +
            printable(unread.substr(unread.size() - kShown / 2));
  }
  std::string_view what = parser_.error();
  if (constexpr std::string_view kPrefix = "Protocol error: "; what.starts_with(kPrefix))
    what.remove_prefix(kPrefix.size());
  worker_.engine().logger().verbose("Protocol error (" + std::string(what) + ") from client: " + description() +
                                    ". Query buffer during protocol error: " + text);
}

std::string Connection::description() {
  publishInfo();
  return describeClient(*session_.info, worker_.loop().now());
}

void Connection::publishInfo() {
  ClientInfo& info = *session_.info;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  uint32_t flags = info.flags.load(kRelaxed) &
                   ~(kClientMulti | kClientBlocked | kClientDirtyCas | kClientNoTouch | kClientCloseAfterReply);
  if (session_.transaction) flags |= kClientMulti;
  if (session_.blocked || session_.endWait || session_.suspended == Session::Suspended::kPaused)
    flags |= kClientBlocked;
  if (session_.watchToken && session_.watchToken->failed.load(kRelaxed)) flags |= kClientDirtyCas;
  if (session_.noTouch) flags |= kClientNoTouch;
  if (session_.closeAfterReply) flags |= kClientCloseAfterReply;
  info.flags.store(flags, kRelaxed);
  info.db.store(session_.db, kRelaxed);
  info.protocol.store(session_.protocol, kRelaxed);
  info.queued.store(session_.transaction ? static_cast<int>(session_.transaction->commands.size()) : -1, kRelaxed);
  info.queuedMemory.store(
      (session_.transaction ? session_.transaction->memory : 0) + session_.watched.size() * sizeof(WatchedKey),
      kRelaxed);
  info.watched.store(static_cast<int>(session_.watched.size()), kRelaxed);
  publishMemory();
}

void Connection::publishMemory() {
  ClientInfo& info = *session_.info;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  info.queryBuffer.store(input_.size(), kRelaxed);
  info.queryBufferFree.store(input_.capacity() - input_.size(), kRelaxed);
  info.outputPending.store(session_.out.pending(), kRelaxed);
  info.outputMemory.store(session_.out.memory(), kRelaxed);
  if (worker_.engine().options().clientMemory.load(kRelaxed) != 0) [[unlikely]]
    worker_.engine().clientEviction().account(info);
}

}  // namespace vigil::engine
