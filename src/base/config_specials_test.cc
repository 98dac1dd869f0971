#include "base/config_specials.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace vigil {
namespace {

std::string set(OptionType& type, std::string_view text) {
  auto done = type.set(*splitArguments(text), ConfigPhase::kRunning);
  return done ? "OK" : done.error().message;
}

std::string lines(const OptionType& type) {
  std::string text;
  for (const RewriteLine& line : type.lines("x")) text += line.text + (line.force ? "!\n" : "\n");
  return text;
}

TEST(OutputBufferLimits, AreSetPerClass) {
  Shared<OutputBufferLimits> value;
  auto type = outputBufferLimitsOption(value);
  EXPECT_EQ(type->get(), "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(set(*type, "pubsub 1mb 1kb 5 replica 7 6 5"), "OK");
  EXPECT_EQ(type->get(), "normal 0 0 0 slave 7 6 5 pubsub 1048576 1024 5");
  EXPECT_EQ(lines(*type), "x normal 0 0 0\nx replica 7 6 5!\nx pubsub 1mb 1kb 5!\n");
  EXPECT_EQ(set(*type, "normal 1 2"), "Wrong number of arguments in buffer limit configuration.");
  EXPECT_EQ(set(*type, "foo 1 2 3"), "Invalid client class specified in buffer limit configuration.");
  EXPECT_EQ(set(*type, "normal x 2 3"), "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
  EXPECT_EQ(type->get(), "normal 0 0 0 slave 7 6 5 pubsub 1048576 1024 5");
}

TEST(SavePoints, LinesAddUntilAnIncludedFileHasEnded) {
  Shared<SavePoints> value(kDefaultSavePoints);
  auto type = savePointsOption(value);
  auto line = [&](std::string_view text, ConfigPhase phase) {
    return type->set(*splitArguments(text), phase).has_value() ? type->get() : "refused";
  };
  EXPECT_EQ(line("900 1", ConfigPhase::kStart), "900 1");
  EXPECT_EQ(line("300 10", ConfigPhase::kStart), "900 1 300 10");
  EXPECT_EQ(line("60 100", ConfigPhase::kAfterInclude), "60 100");
  EXPECT_EQ(line("7 7 8 8", ConfigPhase::kAfterInclude), "7 7 8 8");
  EXPECT_EQ(line("5 5", ConfigPhase::kRunning), "5 5");
}

TEST(SavePoints, NoneIsWrittenUnlessThatIsTheDefault) {
  Shared<SavePoints> server(kDefaultSavePoints), sentinel(SavePoints{});
  auto type = savePointsOption(server);
  EXPECT_EQ(set(*type, "\"\""), "OK");
  EXPECT_EQ(lines(*type), "x \"\"!\n");
  EXPECT_EQ(lines(*savePointsOption(sentinel)), "x \"\"\n") << "only where it stands already";
}

TEST(AddressList, ShowsAndRewritesItsAddresses) {
  Shared<AddressList> value(AddressList{"*", "-::*"});
  auto type = addressListOption(value);
  EXPECT_EQ(type->get(), "* -::*");
  EXPECT_EQ(lines(*type), "");
  EXPECT_EQ(set(*type, "127.0.0.1 ::1"), "OK");
  EXPECT_EQ(lines(*type), "x 127.0.0.1 ::1!\n");
  EXPECT_EQ(set(*type, "\"\""), "OK");
  EXPECT_EQ(value.load(), AddressList());
  EXPECT_EQ(lines(*type), "x \"\"!\n");
  EXPECT_EQ(set(*type, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"), "Too many bind addresses specified.");
}

TEST(MasterAddress, IsHostAndPort) {
  Shared<MasterAddress> value;
  auto type = masterAddressOption(value);
  EXPECT_EQ(lines(*type), "");
  EXPECT_EQ(set(*type, "127.0.0.1 6379"), "OK");
  EXPECT_EQ(type->get(), "127.0.0.1 6379");
  EXPECT_EQ(lines(*type), "x 127.0.0.1 6379!\n");
  EXPECT_EQ(set(*type, "a x"), "Invalid master port");
  EXPECT_EQ(set(*type, "a 65536"), "Invalid master port");
  EXPECT_EQ(set(*type, "a"), "wrong number of arguments");
  EXPECT_EQ(set(*type, "NO ONE"), "OK");
  EXPECT_EQ(value.load(), MasterAddress());
}

TEST(Percentiles, AreAlwaysWritten) {
  Shared<std::vector<double>> value(std::vector<double>{50, 99, 99.9});
  auto type = percentilesOption(value);
  EXPECT_EQ(lines(*type), "x 50 99 99.9!\n");
  EXPECT_EQ(set(*type, "1 2.5"), "OK");
  EXPECT_EQ(type->get(), "1 2.5");
  EXPECT_EQ(set(*type, "50 x"), "Invalid latency-tracking-info-percentiles parameters");
  EXPECT_EQ(set(*type, "101"), "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  EXPECT_EQ(set(*type, ""), "OK");
  EXPECT_EQ(lines(*type), "x \"\"!\n");
}

TEST(IntegerList, HasAFixedLength) {
  Shared<std::vector<int64_t>> value(std::vector<int64_t>{0, 200, 800});
  auto type = integerListOption(value, -2000, 2000);
  EXPECT_EQ(lines(*type), "x 0 200 800\n");
  EXPECT_EQ(set(*type, "1 2"), "wrong number of arguments");
  EXPECT_EQ(set(*type, "1 2 2001"), "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
  EXPECT_EQ(set(*type, "1 2 3"), "OK");
  EXPECT_EQ(lines(*type), "x 1 2 3!\n");
}

// Texts of redis-server 7.0.15, but for n beside A, which it forgets to show.
TEST(KeyspaceEvents, AreLetters) {
  EXPECT_EQ(keyspaceEventsText(*parseKeyspaceEvents("nKg")), "gnK");
  EXPECT_EQ(keyspaceEventsText(*parseKeyspaceEvents("Elg$shzxet")), "g$lshzxetE");
  EXPECT_EQ(keyspaceEventsText(*parseKeyspaceEvents("AKEm")), "AKEm");
  EXPECT_EQ(keyspaceEventsText(*parseKeyspaceEvents("AKEmn")), "AnKEm");
  EXPECT_EQ(keyspaceEventsText(*parseKeyspaceEvents("Eg$lshzxetd")), "AE");
  std::atomic<int> events{0};
  auto type = keyspaceEventsOption(events);
  EXPECT_EQ(lines(*type), "x \"\"\n");
  EXPECT_EQ(set(*type, "zzz!"), "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  EXPECT_EQ(set(*type, "KEA"), "OK");
  EXPECT_EQ(events, keyspaceEvent::kAll | keyspaceEvent::kKeyspace | keyspaceEvent::kKeyevent);
  EXPECT_EQ(lines(*type), "x \"AKE\"!\n");
}

}  // namespace
}  // namespace vigil
