#include "sim/sim_client.h"

#include "wire/resp_writer.h"

namespace vigil::sim {

namespace {

void encode(std::string& out, const Words& command) {
  wire::appendArrayHeader(out, command.size());
  for (const auto& word : command) wire::appendBulk(out, word);
}

}  // namespace

SimClient::SimClient(SimWorld& world, SimNetwork& network, int number, Workload& workload)
    : world_(world),
      workload_(workload),
      number_(number),
      process_(std::make_shared<SimProcess>(world, "client" + std::to_string(number))),
      clock_(*process_, clockRate_, wallOffset_),
      loop_(process_, clock_, "client"),
      port_(network, process_, process_->name) {}

SimClient::~SimClient() { process_->alive = false; }

void SimClient::start() {
  loop_.start();
  loop_.after(world_.random().between(0, 5 * kMs), [this] { connect(); });
}

void SimClient::hold() {
  held_ = true;
  if (stream_) lose("is held");
}

void SimClient::release() {
  held_ = false;
  loop_.after(world_.random().between(kMs, 20 * kMs), [this] { connect(); });
}

void SimClient::connect() {
  if (stopping_ || held_ || stream_) return;
  in_.clear();
  out_.clear();
  parser_ = wire::ReplyParser();
  last_.clear();
  connected_ = false;
  stream_ = port_.connect(target(), {});
  stream_->attach(loop_, *this);
  stream_->wantWrite(true);
}

void SimClient::onWritable() {
  if (!connected_) {
    if (stream_->connectError() != 0) return lose("is refused");
    connected_ = true;
    stream_->wantWrite(false);
    return sendNext();
  }
  flush();
}

void SimClient::sendNext() {
  if (stopping_ || !stream_ || !connected_) return;
  for (Request& request : workload_.next(number_, last_)) {
    Operation& operation = request.operation;
    operation.client = number_;
    operation.called = world_.now();
    Pending pending;
    pending.repliesLeft = operation.commands.size();
    switch (request.shape) {
      case Request::Shape::kPlain:
        for (const Words& command : operation.commands) encode(out_, command);
        break;
      case Request::Shape::kExec:
        encode(out_, {"MULTI"});
        for (const Words& command : operation.commands) encode(out_, command);
        encode(out_, {"EXEC"});
        pending.repliesLeft += 2;
        break;
      case Request::Shape::kWatched:
        encode(out_, {"WATCH", operation.commands[0][1]});
        encode(out_, operation.commands[0]);
        pending.repliesLeft = 2;
        break;
      case Request::Shape::kCas:
        encode(out_, {"MULTI"});
        encode(out_, {"SET", operation.commands[0][1], operation.commands[0][3]});
        encode(out_, {"EXEC"});
        pending.repliesLeft = 3;
        break;
    }
    process_->trace("asks " + brief(operation.commands[0]));
    pending.request = std::move(request);
    pending_.push_back(std::move(pending));
  }
  last_.clear();
  if (pending_.empty()) return;
  loop_.cancel(overdue_);
  overdue_ = loop_.after(patience, [this] {
    if (!static_cast<SimStream&>(*stream_).severed()) ++unanswered_;
    lose("loses patience");
  });
  flush();
}

void SimClient::flush() {
  while (!out_.empty()) {
    IoResult sent = stream_->write(out_);
    if (sent.wouldBlock()) return stream_->wantWrite(true);
    if (sent.broken()) return lose("cannot write");
    out_.erase(0, sent.bytes);
  }
  stream_->wantWrite(false);
}

void SimClient::onReadable() {
  char buffer[4096];
  while (stream_) {
    IoResult got = stream_->read(buffer);
    if (got.wouldBlock()) return;
    if (got.broken()) return lose(got.kind == IoResult::Kind::kClosed ? "sees the end" : "sees a broken connection");
    in_.append(buffer, got.bytes);
    for (;;) {
      size_t used = 0;
      auto outcome = parser_.feed(in_, used);
      in_.erase(0, used);
      if (outcome == wire::ReplyParser::Outcome::kNeedMore) break;
      if (outcome == wire::ReplyParser::Outcome::kProtocolError) return lose("reads nonsense");
      takeReply(std::move(parser_.value()));
      if (!stream_) return;
    }
  }
}

void SimClient::takeReply(wire::RespValue reply) {
  if (pending_.empty()) return lose("gets an answer to no question: " + render(reply));
  Pending& first = pending_.front();
  first.replies.push_back(std::move(reply));
  if (--first.repliesLeft > 0) return;
  finish(first.request, first.replies);
  pending_.pop_front();
  if (pending_.empty()) roundDone();
}

void SimClient::finish(Request& request, std::vector<wire::RespValue>& replies) {
  Operation& operation = request.operation;
  operation.answered = world_.now();
  const wire::RespValue& last = replies.back();
  if (request.shape == Request::Shape::kExec && last.kind == wire::RespValue::Kind::kArray) {
    for (const auto& item : last.items) operation.answers.push_back(render(item));
  } else {
    operation.answers.push_back(render(last));
  }
  process_->trace("is told " + brief(operation.answers));
  workload_.finished(request);
  last_.push_back(std::move(request));
}

void SimClient::roundDone() {
  loop_.cancel(overdue_);
  overdue_ = 0;
  if (stopping_) return;
  loop_.after(world_.random().skewed(thinkLeast, thinkMost), [this] { sendNext(); });
}

void SimClient::lose(std::string_view why) {
  process_->trace(why);
  loop_.cancel(overdue_);
  overdue_ = 0;
  for (Pending& pending : pending_) workload_.finished(pending.request);
  pending_.clear();
  stream_.reset();
  if (!stopping_ && !held_) loop_.after(world_.random().between(kMs, 200 * kMs), [this] { connect(); });
}

}  // namespace vigil::sim
