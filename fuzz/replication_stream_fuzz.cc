// What a replica hears of its master from its answer to PSYNC on: a whole simulated node, and a master that says the
// input. The node lives on, and in which pieces the bytes arrive changes nothing of what it holds afterwards.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "engine/engine.h"
#include "pieces.h"
#include "sim/sim_network.h"
#include "sim/sim_node.h"
#include "wire/resp_parser.h"

namespace {

using namespace vigil;
using namespace vigil::sim;

const Endpoint kMaster{"master", 6379};

// Answers the handshake, and PSYNC with the input.
class Master final : public StreamHandler {
 public:
  Master(SimWorld& world, SimNetwork& network, std::string answer, size_t piece)
      : process_(std::make_shared<SimProcess>(world, "master")),
        clock_(*process_, rate_, offset_),
        loop_(process_, clock_, "master"),
        port_(network, process_, kMaster.host),
        answer_(std::move(answer)),
        piece_(piece) {
    loop_.start();
    auto listener = port_.listen(loop_, kMaster, {}, [this](std::unique_ptr<Stream> stream) {
      if (answered_) return;  // what it says once is all
      stream_ = std::move(stream);
      stream_->attach(loop_, *this);
      input_.clear();
      parser_ = wire::RequestParser();
    });
    listener_ = std::move(*listener);
  }
  ~Master() override { process_->alive = false; }

  void onReadable() override {
    char bytes[4096];
    const IoResult got = stream_->read(bytes);
    if (got.wouldBlock()) return;
    if (got.broken()) return stream_.reset();
    if (answered_) return;
    input_.append(bytes, got.bytes);
    while (parser_.parse(input_, {}, command_) == wire::RequestParser::Outcome::kComplete && stream_) answer();
  }
  void onWritable() override { speak(); }

 private:
  void answer() {
    const std::string name = command_.args.empty() ? std::string() : std::string(command_.args[0]);
    input_.erase(0, command_.bytes);
    if (equalsIgnoreCase(name, "psync")) {
      answered_ = true;
      return speak();
    }
    stream_->write(equalsIgnoreCase(name, "ping") ? "+PONG\r\n" : "+OK\r\n");
  }

  // A piece a turn; then it is silent, and at last it closes.
  void speak() {
    if (!stream_) return;
    const std::string_view rest = std::string_view(answer_).substr(said_, piece_);
    if (rest.empty()) {
      stream_->wantWrite(false);
      loop_.after(300 * kMs, [this] { stream_.reset(); });
      return;
    }
    const IoResult sent = stream_->write(rest);
    if (sent.done()) said_ += sent.bytes;
    stream_->wantWrite(!sent.broken());
  }

  const int64_t rate_ = 1'000'000;
  const int64_t offset_ = 0;
  const ProcessPtr process_;
  SimClock clock_;
  SimLoop loop_;
  SimNetworkPort port_;
  const std::string answer_;
  const size_t piece_;
  size_t said_ = 0;
  bool answered_ = false;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Stream> stream_;
  std::string input_;
  wire::RequestParser parser_;
  wire::ParsedCommand command_;
};

// What the node holds once the master has said it all.
std::string outcome(const std::string& answer, size_t piece) {
  SimWorld world(1);
  SimNetwork network(world);
  SimNode node(world, network, "replica", "replica", 1);
  node.configuration = {{"save", ""}, {"replicaof", kMaster.host, std::to_string(kMaster.port)}};
  Master master(world, network, answer, piece);
  if (!node.startAndLoad()) std::abort();
  world.runFor(kSecond);
  if (!node.running()) std::abort();
  engine::Engine& engine = node.node().engine();
  std::string text = engine.log().history().id + ":" + std::to_string(engine.log().end());
  for (size_t db = 0; db < engine.keyspace().databaseCount(); ++db) {
    text += " " + std::to_string(engine.keyspace().size(static_cast<int>(db)));
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = fuzz::splitInput(data, size);
  fuzz::expectSame(outcome(input.bytes, input.bytes.size() + 1), outcome(input.bytes, input.piece));
  return 0;
}
