#include <gtest/gtest.h>

#include <string>

#include "commands/dump_options.h"
#include "commands/keys_commands.h"
#include "commands/transcript.h"

namespace vigil::commands {
namespace {

// The string "v", with the footer of RDB version 9 and a checksum that nobody checks here: as it is typed, and as it is.
constexpr std::string_view kTyped = R"("\x00\x01v\x09\x00--------")";
constexpr std::string_view kPayload("\0\1v\x9\0--------", 13);

// The expected events and log records are those of redis-server 7.0.
class Restore : public ::testing::Test {
 protected:
  Restore() {
    options.verifyChecksum = false;
    t.add(keyDumpCommands(), &options);
  }
  // `log`: "=" as sent.
  void play(std::string_view ttl, std::string_view words, std::string_view reply, std::string_view events,
            std::string_view log) {
    const std::string behind = words.empty() ? "" : " " + std::string(words);
    const auto outcome = t.run("restore k " + std::string(ttl) + " " + std::string(kTyped) + behind);
    EXPECT_EQ(outcome.reply, reply);
    EXPECT_EQ(outcome.events, events);
    EXPECT_EQ(outcome.log, log == "=" ? "restore k " + std::string(ttl) + " " + std::string(kPayload) + behind : log);
    EXPECT_EQ(outcome.readyKeys, events.ends_with("restore k") ? "k" : "");
  }

  ListOptions lists;
  DumpOptions options{lists};
  Transcript t;
};

TEST_F(Restore, LogsTimesThatAreAbsolute) {
  const std::string at = std::to_string(Transcript::kStart + 500);
  play("0", "", "+OK", "restore k", "=");
  play("0", "", "-BUSYKEY Target key name already exists.", "", "");
  play("500", "replace", "+OK", "restore k", "restore k " + at + " " + std::string(kPayload) + " replace ABSTTL");
  play(at, "replace absttl", "+OK", "restore k", "=");
}

TEST_F(Restore, OfWhatHasExpiredAtMostDeletes) {
  play("0", "", "+OK", "restore k", "=");
  play("1", "absttl replace", "+OK", "del k", "DEL k");
  play("1", "absttl replace", "+OK", "", "");
  t.setMode(keyspace::ExpiryMode::kIgnore);  // a master's stream
  play("1", "absttl", "+OK", "restore k", "=");
}

TEST_F(Restore, RefusesTimesBeyondTheEndOfTime) {
  play("9223372036854775807", "", "-ERR Invalid TTL value, must be >= 0", "", "");
  play("9223372036854775807", "absttl", "+OK", "restore k", "=");
}

TEST_F(Restore, ChecksTheChecksum) {
  options.verifyChecksum = true;
  play("0", "", "-ERR DUMP payload version or checksum are wrong", "", "");
}

}  // namespace
}  // namespace vigil::commands
