#include "wire/sentinel_hello.h"

#include <gtest/gtest.h>

namespace vigil::wire {
namespace {

const std::string kId(40, 'a');

SentinelHello sample() { return {"10.0.0.1", 26379, kId, 7, "mymaster", "10.0.0.9", 6379, 5}; }

TEST(SentinelHello, ReadsWhatItWrites) {
  EXPECT_EQ(formatHello(sample()), "10.0.0.1,26379," + kId + ",7,mymaster,10.0.0.9,6379,5");
  EXPECT_EQ(parseHello(formatHello(sample())), sample());
}

TEST(SentinelHello, ATrueOneOfRedis) {
  const auto hello = parseHello("127.0.0.1,21022,0ef31c6110ae438c58cbfe5bae30f5474fb4a2ef,0,m,127.0.0.1,21000,0");
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->port, 21022);
  EXPECT_EQ(hello->masterName, "m");
}

TEST(SentinelHello, RefusesWhatIsNotExactlyThat) {
  const std::string good = formatHello(sample());
  for (const std::string& bad : std::vector<std::string>{"", good + ",1", good.substr(0, good.rfind(',')), "," + good,
                                 "h,0," + kId + ",7,m,h,6379,5", "h,70000," + kId + ",7,m,h,6379,5",
                                 "h,1,short,7,m,h,6379,5", "h,1," + std::string(40, 'A') + ",7,m,h,6379,5",
                                 "h,1," + kId + ",-7,m,h,6379,5", "h,1," + kId + ",7,,h,6379,5",
                                 "h,1," + kId + ",7,m,h,6379,99999999999999999999",
                                 "h,1," + kId + ",18446744073709551615,m,h,6379,5"}) {
    EXPECT_FALSE(parseHello(bad)) << bad;
  }
}

}  // namespace
}  // namespace vigil::wire
