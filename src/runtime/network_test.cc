// Streams and listeners over real sockets on loopback, plain and over TLS.
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <tuple>

#include "runtime/test_certificates.h"
#include "runtime/test_machine.h"

namespace vigil::runtime {
namespace {

enum class Transport { kPlain, kTls };

class NetworkTest : public MachineTest, public testing::WithParamInterface<std::tuple<Transport, PollerKind>> {
 protected:
  NetworkTest() : MachineTest(std::get<PollerKind>(GetParam())) {}
  void SetUp() override {
    if (!tls()) return;
    ASSERT_TRUE(machine_.tls().configure(certificate_.settings()));
  }
  bool tls() const { return std::get<Transport>(GetParam()) == Transport::kTls; }
  ListenOptions over(ListenOptions options = {}) {
    if (tls()) options.tls.emplace();
    return options;
  }
  ConnectOptions over(ConnectOptions options) {
    options.tls = tls();
    return options;
  }

  // Listens at `at`; what is accepted is attached to `server_`.
  void listen(const Endpoint& at, const ListenOptions& options = {}) {
    auto listener = network().listen(loop_, at, over(options), [this](std::unique_ptr<Stream> stream) {
      ++accepted_;
      server_.use(std::move(stream), loop_);
    });
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
  }
  void connect(const Endpoint& to, const ConnectOptions& options = {}) {
    client_.use(network().connect(to, over(options)), loop_);
    client_.stream_->wantWrite(true);
  }
  bool connected() {
    return runUntil([&] {  // the stream is gone if it failed
      return client_.stream_ != nullptr && client_.stream_->connectError() != EINPROGRESS && accepted_ > 0;
    });
  }
  bool attemptEnds() {
    client_.whenWritable_ = [] {};  // keeps the stream to be asked
    return runUntil([&] { return client_.writableCalls_ > 0; });
  }
  // Both ends connected over 127.0.0.1.
  void connectPair() {
    at_ = Endpoint{"127.0.0.1", freePort()};
    ASSERT_NO_FATAL_FAILURE(listen(at_));
    connect(at_);
    ASSERT_TRUE(connected());
    ASSERT_EQ(client_.stream_->connectError(), 0);
  }

  TestCertificate certificate_;
  Endpoint at_;
  int accepted_ = 0;
  std::unique_ptr<Listener> listener_;
  CollectingHandler server_;
  CollectingHandler client_;
};

TEST_P(NetworkTest, CarriesBytesBothWaysAndNamesBothEnds) {
  connectPair();
  EXPECT_EQ(server_.stream_->local(), at_);
  EXPECT_EQ(client_.stream_->peer(), at_);
  EXPECT_EQ(server_.stream_->peer(), client_.stream_->local());
  EXPECT_EQ(listener_->local(), at_);
  EXPECT_NE(server_.stream_->descriptor(), client_.stream_->descriptor());
  server_.stream_->setNoDelay(true);
  server_.stream_->setKeepAlive(300);
  const std::string_view pieces[] = {"one ", "", "two ", "three"};
  EXPECT_EQ(client_.stream_->write(pieces).bytes, 13u);
  EXPECT_EQ(server_.stream_->write("pong").bytes, 4u);
  EXPECT_TRUE(runUntil([&] { return server_.received_.size() == 13 && client_.received_.size() == 4; }));
  EXPECT_EQ(server_.received_, "one two three");
  EXPECT_EQ(client_.received_, "pong");
}

TEST_P(NetworkTest, OverIpv6) {
  const Endpoint at{"::1", freePort()};
  auto probe = network().listen(loop_, at, {}, [](std::unique_ptr<Stream>) {});
  if (!probe) GTEST_SKIP() << "no IPv6 here: " << probe.error().message;
  probe->reset();
  ASSERT_NO_FATAL_FAILURE(listen(at));
  connect(at);
  ASSERT_TRUE(connected());
  EXPECT_EQ(server_.stream_->local(), at);
  EXPECT_EQ(server_.stream_->peer().host, "::1");
}

TEST_P(NetworkTest, ByName) {
  const Endpoint at{"127.0.0.1", freePort()};
  ASSERT_NO_FATAL_FAILURE(listen(at));
  connect(Endpoint{"localhost", at.port});  // ::1 may come first and refuse
  ASSERT_TRUE(connected());
  EXPECT_EQ(client_.stream_->connectError(), 0);
  EXPECT_EQ(client_.stream_->peer(), at);
  EXPECT_EQ(client_.stream_->write("hello").bytes, 5u);
  EXPECT_TRUE(runUntil([&] { return server_.received_ == "hello"; }));
}

TEST_P(NetworkTest, ByNameAttachedAfterTheResolutionEnded) {
  const Endpoint at{"127.0.0.1", freePort()};
  ASSERT_NO_FATAL_FAILURE(listen(at));
  auto stream = network().connect(Endpoint{"localhost", at.port}, over(ConnectOptions{}));
  usleep(50'000);  // either order must work; this makes the rare one likely
  client_.use(std::move(stream), loop_);
  client_.stream_->wantWrite(true);
  ASSERT_TRUE(connected());
  EXPECT_EQ(client_.stream_->connectError(), 0);
}

TEST_P(NetworkTest, AStreamMayGoWhileItsNameIsResolved) {
  for (int i = 0; i < 20; ++i) {
    connect(Endpoint{"localhost", 1});
    if (i % 2 == 0) client_.stream_->detach();
    client_.stream_.reset();
  }
  EXPECT_TRUE(runUntil([] { return true; }));
}

TEST_P(NetworkTest, TellsThatNobodyListens) {
  connect(Endpoint{"127.0.0.1", freePort()});
  ASSERT_TRUE(attemptEnds());
  EXPECT_EQ(client_.stream_->connectError(), ECONNREFUSED);
  char bytes[8];
  EXPECT_EQ(client_.stream_->read(bytes).error, ECONNREFUSED);
  EXPECT_EQ(client_.stream_->write("x").error, ECONNREFUSED);
}

TEST_P(NetworkTest, TellsAFailureToAReaderToo) {
  client_.use(network().connect(Endpoint{"127.0.0.1", freePort()}, over(ConnectOptions{})), loop_);
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_EQ(client_.ended_.error, ECONNREFUSED);
}

TEST_P(NetworkTest, TellsThatANameDoesNotExist) {
  connect(Endpoint{"no such name", 6379});
  ASSERT_TRUE(attemptEnds());
  EXPECT_NE(client_.stream_->connectError(), 0);
  EXPECT_NE(client_.stream_->connectError(), EINPROGRESS);
}

TEST_P(NetworkTest, ConnectsFromTheSourceAddressAskedFor) {
  const Endpoint at{"127.0.0.1", freePort()};
  ASSERT_NO_FATAL_FAILURE(listen(at));
  connect(at, ConnectOptions{.sourceAddress = "127.0.0.2"});
  ASSERT_TRUE(connected());
  EXPECT_EQ(server_.stream_->peer().host, "127.0.0.2");
}

TEST_P(NetworkTest, UnixSocketReplacesAStaleFileAndHasItsPermissions) {
  if (tls()) GTEST_SKIP() << "there is no TLS over Unix sockets";
  TemporaryFolder folder;
  const Endpoint at{folder / "socket", 0};
  ASSERT_TRUE(machine_.system().files.open(at.host, FileSystem::Open::kCreateEmpty));
  ASSERT_NO_FATAL_FAILURE(listen(at, ListenOptions{.unixPermissions = 0700}));
  struct stat status {};
  ASSERT_EQ(stat(at.host.c_str(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
  connect(at);
  ASSERT_TRUE(connected());
  EXPECT_EQ(server_.stream_->peer(), at);
  EXPECT_EQ(server_.stream_->local(), at);
  client_.stream_->setNoDelay(true);  // means nothing here and does no harm
  EXPECT_EQ(client_.stream_->write("hello").bytes, 5u);
  EXPECT_TRUE(runUntil([&] { return server_.received_ == "hello"; }));
  listener_.reset();
  EXPECT_NE(access(at.host.c_str(), F_OK), 0);
}

TEST_P(NetworkTest, ATakenPortIsToldInRedissWords) {
  const Endpoint at{"127.0.0.1", freePort()};
  ASSERT_NO_FATAL_FAILURE(listen(at));
  auto second = network().listen(loop_, at, {}, [](std::unique_ptr<Stream>) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "bind: Address already in use");
  EXPECT_EQ(second.error().code, EADDRINUSE);
  auto path = network().listen(loop_, Endpoint{std::string(200, 'x'), 0}, {}, [](std::unique_ptr<Stream>) {});
  ASSERT_FALSE(path);
  EXPECT_EQ(path.error().message, "unix socket path too long (200), must be under 108");
}

TEST_P(NetworkTest, EveryAddressByStar) {
  const uint16_t port = freePort();
  ASSERT_NO_FATAL_FAILURE(listen(Endpoint{"*", port}));
  EXPECT_EQ(listener_->local(), (Endpoint{"0.0.0.0", port}));
  connect(Endpoint{"127.0.0.1", port});
  EXPECT_TRUE(connected());
}

TEST_P(NetworkTest, APartialWriteGoesOnWhenThereIsRoom) {
  connectPair();
  const std::string big(8 << 20, 'b');
  size_t sent = 0;
  bool waited = false;
  client_.whenWritable_ = [&] {
    while (sent < big.size()) {
      const IoResult result = client_.stream_->write(std::string_view(big).substr(sent));
      waited |= result.wouldBlock();
      if (!result.done()) return;
      sent += result.bytes;
    }
    client_.stream_->wantWrite(false);
  };
  client_.stream_->wantWrite(true);
  EXPECT_TRUE(runUntil([&] { return server_.received_.size() == big.size(); }));
  EXPECT_TRUE(waited);
  EXPECT_EQ(server_.received_, big);
  const int calls = client_.writableCalls_;
  client_.stream_->write("!");
  EXPECT_TRUE(runUntil([&] { return server_.received_.size() == big.size() + 1; }));
  EXPECT_EQ(client_.writableCalls_, calls) << "nobody wanted to write any more";
}

TEST_P(NetworkTest, MorePiecesThanOneCallTakes) {
  connectPair();
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 1000; ++i) all += texts.emplace_back(std::to_string(i) + ",");
  std::vector<std::string_view> pieces(texts.begin(), texts.end());
  size_t sent = 0;
  while (!pieces.empty()) {
    const IoResult result = client_.stream_->write(pieces);
    ASSERT_TRUE(result.done());
    sent += result.bytes;
    size_t left = result.bytes;
    while (!pieces.empty() && left >= pieces.front().size()) {
      left -= pieces.front().size();
      pieces.erase(pieces.begin());
    }
    ASSERT_EQ(left, 0u);
  }
  EXPECT_EQ(sent, all.size());
  EXPECT_TRUE(runUntil([&] { return server_.received_ == all; }));
}

TEST_P(NetworkTest, TellsThatThePeerClosed) {
  connectPair();
  client_.stream_->write("last words");
  client_.stream_.reset();
  EXPECT_TRUE(runUntil([&] { return server_.ended_.broken(); }));
  EXPECT_EQ(server_.received_, "last words");
  EXPECT_EQ(server_.ended_.kind, IoResult::Kind::kClosed);
}

TEST_P(NetworkTest, WritingToAPeerThatIsGoneFailsWithoutASignal) {
  connectPair();
  server_.stream_.reset();
  IoResult result;
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken() || (result = client_.stream_->write("x")).broken(); }));
}

TEST_P(NetworkTest, WithoutWantingToReadNothingIsHeardAndNothingIsLost) {
  connectPair();
  server_.stream_->wantRead(false);
  client_.stream_->write("patience");
  bool later = false;
  loop_.after(20'000, [&] { later = true; });
  ASSERT_TRUE(runUntil([&] { return later; }));
  EXPECT_EQ(server_.readableCalls_, 0);
  server_.stream_->wantRead(true);
  EXPECT_TRUE(runUntil([&] { return server_.received_ == "patience"; }));
}

TEST_P(NetworkTest, ABrokenConnectionThatNobodyReadsDoesNotSpinTheLoop) {
  connectPair();
  server_.stream_->wantRead(false);
  server_.stream_->write("unread");  // closing with unread bytes resets the connection
  client_.whenReadable_ = [&] { client_.stream_.reset(); };
  bool later = false;
  loop_.after(50'000, [&] { later = true; });
  const uint64_t before = loop_.turns();
  ASSERT_TRUE(runUntil([&] { return later; }));
  EXPECT_LT(loop_.turns() - before, 50u);
  server_.stream_->wantRead(true);
  EXPECT_TRUE(runUntil([&] { return server_.ended_.broken(); }));
}

TEST_P(NetworkTest, ClosedInTheSameBatchNeverHearsItsEvent) {
  const Endpoint at{"127.0.0.1", freePort()};
  std::vector<std::unique_ptr<CollectingHandler>> servers;
  std::vector<std::unique_ptr<CollectingHandler>> clients;
  auto listener = network().listen(loop_, at, over(), [&](std::unique_ptr<Stream> stream) {
    servers.push_back(std::make_unique<CollectingHandler>());
    servers.back()->use(std::move(stream), loop_);
  });
  ASSERT_TRUE(listener);
  constexpr size_t kStreams = 50;
  for (size_t i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<CollectingHandler>());
    clients.back()->use(network().connect(at, over(ConnectOptions{})), loop_);
  }
  ASSERT_TRUE(runUntil([&] { return servers.size() == kStreams; }));
  // All become readable for one batch; whoever comes first destroys all, itself included.
  int heard = 0;
  for (auto& server : servers) {
    server->whenReadable_ = [&] {
      ++heard;
      for (auto& each : servers) each->stream_.reset();
    };
  }
  for (auto& client : clients) {
    ASSERT_TRUE(runUntil([&] { return client->stream_->connectError() == 0; }));
  }
  for (auto& client : clients) client->stream_->write("x");
  bool later = false;
  loop_.after(20'000, [&] { later = true; });
  EXPECT_TRUE(runUntil([&] { return later; }));
  EXPECT_EQ(heard, 1);
}

TEST_P(NetworkTest, CallsAgainForWhatIsLeftUnread) {
  connectPair();
  server_.whenReadable_ = [&] {
    char byte[1];
    const IoResult result = server_.stream_->read(byte);
    if (result.done()) server_.received_ += byte[0];
  };
  const std::string text(300, 'x');
  client_.stream_->write(text);
  EXPECT_TRUE(runUntil([&] { return server_.received_.size() >= 100; }));
  server_.stream_->wantRead(false);
  const size_t heard = server_.received_.size();
  bool later = false;
  loop_.after(20'000, [&] { later = true; });
  EXPECT_TRUE(runUntil([&] { return later; }));
  EXPECT_EQ(server_.received_.size(), heard);
  server_.stream_->wantRead(true);
  EXPECT_TRUE(runUntil([&] { return server_.received_ == text; }));
  server_.stream_->detach();
  client_.stream_->write("end");
  server_.stream_->attach(loop_, server_);
  EXPECT_TRUE(runUntil([&] { return server_.received_ == text + "end"; }));
}

TEST_P(NetworkTest, HalfOfWhatWasReadIsThereAfterAMove) {
  connectPair();
  server_.whenReadable_ = [&] {
    char bytes[4];
    const IoResult result = server_.stream_->read(bytes);
    if (!result.done()) return;
    server_.received_.append(bytes, result.bytes);
    server_.stream_->detach();
    loop_.post([&] { server_.stream_->attach(loop_, server_); });
  };
  client_.stream_->write("twelve bytes");
  EXPECT_TRUE(runUntil([&] { return server_.received_ == "twelve bytes"; }));
}

TEST_P(NetworkTest, WhatWasWrittenArrivesAlsoIfTheWriterGoesAtOnce) {
  connectPair();
  client_.stream_->wantRead(false);
  size_t written = 0;
  const std::string block(100'000, 'w');
  // Until the sockets are full.
  for (IoResult result; (result = server_.stream_->write(block)).done();) written += result.bytes;
  server_.stream_.reset();
  client_.stream_->wantRead(true);
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_EQ(client_.received_.size(), written);
  EXPECT_EQ(client_.ended_.kind, IoResult::Kind::kClosed);
}

TEST_P(NetworkTest, MovesBetweenLoopsWithoutLosingBytes) {
  connectPair();
  client_.stream_->write("first ");
  ASSERT_TRUE(runUntil([&] { return server_.received_ == "first "; }));
  LoopThread worker(machine_.clock(), "vigil-w0", reactor_);
  worker.start();
  server_.stream_->detach();
  client_.stream_->write("second ");
  CollectingHandler moved;
  std::atomic<size_t> arrived{0};
  worker.loop().post([&, stream = std::move(server_.stream_)]() mutable {
    moved.whenReadable_ = [&] {
      char bytes[64];
      const IoResult result = moved.stream_->read(bytes);
      if (result.done()) moved.received_.append(bytes, result.bytes);
      arrived = moved.received_.size();
    };
    moved.use(std::move(stream), worker.loop());
  });
  client_.stream_->write("third");
  for (int i = 0; i < 20000 && arrived < 12; ++i) usleep(1000);
  worker.stop();
  EXPECT_EQ(moved.received_, "second third");
  moved.stream_.reset();
}

TEST_P(NetworkTest, AnotherThreadMayWriteWhileTheLoopReads) {
  connectPair();
  constexpr int kLines = 2000;
  Stream* stream = server_.stream_.get();
  std::thread feeder([stream] {
    for (int i = 0; i < kLines; ++i) {
      while (!stream->write("0123456789").done()) std::this_thread::yield();
    }
  });
  std::string sent;
  EXPECT_TRUE(runUntil([&] {
    if (sent.size() < 10'000) sent.append(client_.stream_->write("abcdefghij").bytes, 'x');
    return client_.received_.size() == kLines * 10u && server_.received_.size() == sent.size();
  }));
  feeder.join();
}

TEST_P(NetworkTest, TheListenerMayGoInItsOwnHandler) {
  const Endpoint at{"127.0.0.1", freePort()};
  int accepted = 0;
  auto listener = network().listen(loop_, at, over(), [&](std::unique_ptr<Stream>) {
    ++accepted;
    listener_.reset();
  });
  ASSERT_TRUE(listener);
  listener_ = std::move(*listener);
  connect(at);
  EXPECT_TRUE(runUntil([&] { return accepted == 1; }));
}

INSTANTIATE_TEST_SUITE_P(Transports, NetworkTest,
                         testing::Combine(testing::Values(Transport::kPlain, Transport::kTls),
                                          testing::Values(PollerKind::kEpoll, PollerKind::kUring)),
                         [](const auto& each) {
                           const bool tls = std::get<Transport>(each.param) == Transport::kTls;
                           return (tls ? "Tls" : "Plain") + reactorName(std::get<PollerKind>(each.param));
                         });

}  // namespace
}  // namespace vigil::runtime
