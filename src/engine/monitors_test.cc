#include "engine/monitors.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/client_info.h"

namespace vigil::engine {
namespace {

std::string described(const ClientInfo& client, std::vector<std::string_view> words, std::vector<size_t> hidden = {}) {
  return Monitors::describe(3, client, words, hidden);
}

TEST(MonitorsTest, ALineNamesTheDatabaseTheClientAndTheArguments) {
  ClientInfo client(1, nullptr);
  client.address = "127.0.0.1:4711";
  EXPECT_EQ(described(client, {"set", "a b", ""}), R"([3 127.0.0.1:4711] "set" "a b" "")");
  client.address = "[::1]:4711";
  EXPECT_EQ(described(client, {"ping"}), R"([3 [::1]:4711] "ping")");
}

TEST(MonitorsTest, BytesThatAreNotPrintableAreEscaped) {
  ClientInfo client(1, nullptr);
  client.address = "a:1";
  using namespace std::string_view_literals;
  EXPECT_EQ(described(client, {"\x00\"\\\n\r\t\a\b\xff"sv}), R"([3 a:1] "\x00\"\\\n\r\t\a\b\xff")");
}

TEST(MonitorsTest, SecretsAreHidden) {
  ClientInfo client(1, nullptr);
  client.address = "a:1";
  EXPECT_EQ(described(client, {"auth", "me", "secret"}, {1, 2}), R"x([3 a:1] "auth" "(redacted)" "(redacted)")x");
}

TEST(MonitorsTest, AClientOfAUnixSocketIsNamedByItsPath) {
  ClientInfo client(1, nullptr);
  client.address = "/run/a:b/socket:0";
  client.flags.store(kClientUnixSocket);
  EXPECT_EQ(described(client, {"ping"}), R"([3 unix:/run/a:b/socket] "ping")");
}

}  // namespace
}  // namespace vigil::engine
