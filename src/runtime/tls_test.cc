// What is particular to TLS; that it carries bytes like any other stream is in network_test.cc.
#include <openssl/ssl.h>

#include <cerrno>

#include "runtime/machine_listener.h"
#include "runtime/test_certificates.h"
#include "runtime/tls_acceptor.h"
#include "runtime/tls_stream.h"

namespace vigil::runtime {
namespace {

class RememberingLogger final : public Logger {
 public:
  std::string lines_;

 protected:
  void write(LogLevel, std::string_view text) override { lines_.append(text) += '\n'; }
};

class TlsTest : public MachineTest {
 protected:
  void SetUp() override { ASSERT_TRUE(machine_.tls().configure(certificate_.settings())); }

  void listen(int64_t handshakeUs = kTlsHandshakeUs, std::function<std::shared_ptr<void>()> admit = {}) {
    at_ = Endpoint{"127.0.0.1", freePort()};
    auto acceptor = tlsAcceptor(
        loop_, {.admit = std::move(admit)}, machine_.tls(),
        [this](std::unique_ptr<Stream> stream) {
          ++accepted_;
          server_.use(std::move(stream), loop_);
        },
        remembered_, handshakeUs);
    auto listener = MachineListener::open(loop_, at_, {}, std::move(acceptor), remembered_);
    ASSERT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
  }
  // Until the attempt has ended; what it says then.
  int connectBy(TlsContexts& contexts) {
    auto plain = network().connect(at_, {});
    client_.use(std::make_unique<TlsStream>(std::move(plain), contexts.client(), TlsSide::kClient, TlsClientAuth::kYes),
                loop_);
    client_.whenWritable_ = [this] { client_.stream_->wantWrite(false); };
    client_.stream_->wantWrite(true);
    EXPECT_TRUE(runUntil([&] { return client_.ended_.broken() || client_.stream_->connectError() != EINPROGRESS; }));
    return client_.ended_.broken() ? client_.ended_.error : client_.stream_->connectError();
  }

  TestCertificate certificate_;
  RememberingLogger remembered_;
  Endpoint at_;
  int accepted_ = 0;
  std::unique_ptr<Listener> listener_;
  CollectingHandler server_;
  CollectingHandler client_;
};

TEST_F(TlsTest, AClientThatDistrustsTheServerTellsWhy) {
  TestCertificate other;
  TlsContexts contexts;
  ASSERT_TRUE(contexts.configure(other.settings()));
  ASSERT_NO_FATAL_FAILURE(listen());
  client_.whenReadable_ = [] {};
  EXPECT_EQ(connectBy(contexts), EPROTO);
  EXPECT_EQ(client_.stream_->connectErrorText(), "error:0A000086:SSL routines::certificate verify failed");
  char bytes[8];
  EXPECT_EQ(client_.stream_->read(bytes).error, EPROTO);
  EXPECT_EQ(client_.stream_->write("x").error, EPROTO);
  EXPECT_TRUE(runUntil([&] { return !remembered_.lines_.empty(); }));
  EXPECT_EQ(accepted_, 0);
  EXPECT_TRUE(remembered_.lines_.starts_with("Error accepting a client connection: error:0A00"));
}

TEST_F(TlsTest, AReaderHearsOfAFailureToo) {
  TestCertificate other;
  TlsContexts contexts;
  ASSERT_TRUE(contexts.configure(other.settings()));
  ASSERT_NO_FATAL_FAILURE(listen());
  auto plain = network().connect(at_, {});
  client_.use(std::make_unique<TlsStream>(std::move(plain), contexts.client(), TlsSide::kClient, TlsClientAuth::kYes),
              loop_);
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_EQ(client_.ended_.error, EPROTO);
}

TEST_F(TlsTest, WithoutConfigurationNobodyConnects) {
  TlsContexts none;
  ASSERT_NO_FATAL_FAILURE(listen());
  EXPECT_EQ(connectBy(none), EPROTO);
}

TEST_F(TlsTest, AHandshakeThatNeverEndsIsEnded) {
  ASSERT_NO_FATAL_FAILURE(listen(30'000));
  client_.use(network().connect(at_, {}), loop_);
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_EQ(client_.ended_.kind, IoResult::Kind::kClosed);
  EXPECT_TRUE(remembered_.lines_.starts_with("Error accepting a client connection: handshake timed out (addr=127.0.0.1:"))
      << remembered_.lines_;
}

TEST_F(TlsTest, HandshakesUnderWayGoWithTheLoop) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_.use(network().connect(at_, {}), loop_);
  EXPECT_TRUE(runUntil([&] { return client_.stream_->connectError() == 0; }));
  listener_.reset();
}

TEST_F(TlsTest, RefusesWhoeverComesBesidesTooManyHandshakes) {
  auto places = std::make_shared<int>(2);  // copies of it are held
  size_t asked = 0;
  ASSERT_NO_FATAL_FAILURE(listen(kTlsHandshakeUs, [&]() -> std::shared_ptr<void> {
    ++asked;
    return places.use_count() <= *places ? places : nullptr;
  }));
  CollectingHandler silent[2];
  for (auto& each : silent) each.use(network().connect(at_, {}), loop_);
  EXPECT_TRUE(runUntil([&] { return asked == 2; }));
  client_.use(network().connect(at_, {}), loop_);
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_EQ(asked, 3u);
  for (auto& each : silent) each.stream_.reset();
  listener_.reset();
  EXPECT_TRUE(runUntil([&] { return remembered_.lines_.find("unexpected eof") != std::string::npos; }));
}

TEST_F(TlsTest, PlainBytesAreNoHandshake) {
  ASSERT_NO_FATAL_FAILURE(listen());
  client_.use(network().connect(at_, {}), loop_);
  EXPECT_TRUE(runUntil([&] { return client_.stream_->write("PING\r\n").done(); }));
  EXPECT_TRUE(runUntil([&] { return client_.ended_.broken(); }));
  EXPECT_NE(remembered_.lines_.find("wrong version number"), std::string::npos) << remembered_.lines_;
}

TEST_F(TlsTest, ABadFileLeavesTheOldContextsInPlace) {
  const TlsContextPtr before = machine_.tls().server();
  TlsSettings settings = certificate_.settings();
  settings.certFile = "/nonexistent";
  auto refused = machine_.tls().configure(settings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Failed to load certificate: /nonexistent: error:80000002:system library::No such file or directory");
  EXPECT_EQ(machine_.tls().server(), before);
  settings = certificate_.settings();
  settings.caCertFile.clear();
  ASSERT_FALSE(machine_.tls().configure(settings));
  settings.clientAuth = TlsClientAuth::kNo;
  EXPECT_TRUE(machine_.tls().configure(settings));
  EXPECT_NE(machine_.tls().server(), before);
  EXPECT_EQ(machine_.tls().clientAuth(), TlsClientAuth::kNo);
}

TEST_F(TlsTest, ProtocolsInAnyCaseAndNoOthers) {
  TlsSettings settings = certificate_.settings();
  settings.protocols = "  tlsV1.2   TLSv1.3 ";
  ASSERT_TRUE(machine_.tls().configure(settings));
  const uint64_t options = SSL_CTX_get_options(machine_.tls().server().get());
  EXPECT_EQ(options & (SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3),
            SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
  for (const char* wrong : {" ", "SSLv3", "TLSv1.4", "TLSv1.2,TLSv1.3"}) {
    settings.protocols = wrong;
    EXPECT_FALSE(machine_.tls().configure(settings)) << wrong;
  }
}

}  // namespace
}  // namespace vigil::runtime
