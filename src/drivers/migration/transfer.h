// One conversation of MIGRATE with the target: connects if need be, sends AUTH, SELECT and the RESTOREs, reads what is
// answered.
//
//   connecting --connected--> sending --all sent--> reading --all answered--> ended
//        \____________ failed, or no progress for the time-out ____________/
//
// On the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ports/event_loop.h"
#include "base/ports/stream.h"
#include "wire/resp_reply_parser.h"

namespace vigil::drivers {

// A connection to another node, between two conversations.
struct Peer {
  std::unique_ptr<Stream> stream;
  bool connected = false;
  int64_t db = -1;  // the database selected there; -1: unknown
};

// What is to be sent, and what came of it.
struct TransferJob {
  int64_t db = 0;
  int64_t timeoutUs = 0;
  std::string authentication;  // a command; empty: none
  std::string restores;        // the commands, one per key
  size_t keys = 0;
  std::vector<bool> accepted;              // by key
  std::optional<std::string> targetError;  // the first error that the target answered, without its '-'
};

class Transfer final : public StreamHandler {
 public:
  enum class End : uint8_t { kDone, kConnectFailed, kWriteFailed, kReadFailed };
  struct Outcome {
    End end;
    bool timedOut = false;
    bool answered = false;  // there was at least one answer
    Peer peer;              // kDone: to be used again
  };
  // Called once; this object may be destroyed in a later task only.
  using Ended = std::move_only_function<void(Outcome)>;

  Transfer(EventLoop& loop, Peer peer, TransferJob& job, Ended ended);
  ~Transfer() override;

  void onReadable() override;
  void onWritable() override;

 private:
  void begin();
  void send();
  void takeReplies();
  void onReply(const wire::RespValue& reply);
  void progress();
  void finish(End end, bool timedOut = false);
  End broken() const { return sent_ < head_.size() + job_.restores.size() ? End::kWriteFailed : End::kReadFailed; }

  EventLoop& loop_;
  Peer peer_;
  TransferJob& job_;
  Ended ended_;
  TimerId timer_ = 0;
  std::string head_;  // AUTH and SELECT
  size_t sent_ = 0;   // bytes of head_ and the job's commands
  size_t preludes_ = 0;  // answers to AUTH and SELECT that are still to come
  bool refused_ = false;  // one of them was an error: no key counts as moved
  size_t answered_ = 0;   // keys
  bool anyAnswer_ = false;
  wire::ReplyParser parser_{wire::kShortReplies};
  std::string input_;
};

}  // namespace vigil::drivers
