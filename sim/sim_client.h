// A client of the simulated servers: sends requests, several at once now and then, and records each with its answer and
// the virtual times of both. When its connection breaks or an answer is long overdue, what was under way is recorded
// as never answered, and it connects again.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/history.h"
#include "sim/sim_loop.h"
#include "sim/sim_network.h"
#include "wire/resp_reply_parser.h"

namespace vigil::sim {

// What is sent, and how its replies become the answers of an operation.
struct Request {
  enum class Shape : uint8_t {
    kPlain,    // one command, one reply
    kExec,     // MULTI, commands, EXEC: the answers are EXEC's
    kWatched,  // WATCH, then one command that reads
    kCas,      // MULTI, SET, EXEC after a kWatched: succeeded, or did not happen
  };
  Shape shape = Shape::kPlain;
  Operation operation;
};

// Decides what a client does next.
class Workload {
 public:
  virtual ~Workload() = default;
  // The next requests of this client, to be sent together; `last` are its finished requests of the round before.
  virtual std::vector<Request> next(int client, const std::vector<Request>& last) = 0;
  virtual void finished(const Request& request) = 0;
};

class SimClient final : public StreamHandler {
 public:
  SimClient(SimWorld& world, SimNetwork& network, int number, Workload& workload);
  ~SimClient() override;

  // Asked before each connection.
  std::function<Endpoint()> target;
  SimTime thinkLeast = 10;
  SimTime thinkMost = 20 * kMs;
  SimTime patience = 15 * kSecond;

  void start();
  // Drops its connection, and makes no new one before release().
  void hold();
  void release();
  // Finishes what is under way and sends nothing more.
  void stop() { stopping_ = true; }
  // Requests that were not answered in `patience` although the connection stood.
  size_t unanswered() const { return unanswered_; }
  bool idle() const { return stopping_ && pending_.empty(); }

  void onReadable() override;
  void onWritable() override;

 private:
  void connect();
  void sendNext();
  void flush();
  void takeReply(wire::RespValue reply);
  void finish(Request& request, std::vector<wire::RespValue>& replies);
  void roundDone();
  void lose(std::string_view why);

  struct Pending {
    Request request;
    size_t repliesLeft = 0;
    std::vector<wire::RespValue> replies;
  };

  SimWorld& world_;
  Workload& workload_;
  const int number_;
  const int64_t clockRate_ = 1'000'000;
  const int64_t wallOffset_ = 0;
  ProcessPtr process_;
  SimClock clock_;
  SimLoop loop_;
  SimNetworkPort port_;
  std::unique_ptr<Stream> stream_;
  bool connected_ = false;
  bool stopping_ = false;
  bool held_ = false;
  std::string out_;
  std::string in_;
  wire::ReplyParser parser_;
  std::deque<Pending> pending_;
  std::vector<Request> last_;
  TimerId overdue_ = 0;
  size_t unanswered_ = 0;
};

}  // namespace vigil::sim
