#include "runtime/collation.h"

#include <gtest/gtest.h>

namespace vigil::runtime {
namespace {

TEST(Collation, OfTheLanguagesWithoutOrderIsByBytes) {
  for (const char* name : {"C", "POSIX", "C.UTF-8"}) {
    const auto key = collationOf(name);
    ASSERT_TRUE(key) << name;
    EXPECT_FALSE(*key) << name;
  }
}

TEST(Collation, RefusesWhatTheMachineDoesNotHave) {
  const auto key = collationOf("no_SUCH.locale");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().message, "Invalid locale name");
}

TEST(Collation, OrdersByLanguageWhereThereIsOne) {
  const auto key = collationOf("en_US.UTF-8");
  if (!key) GTEST_SKIP() << "this machine has no en_US.UTF-8";
  EXPECT_LT((*key)("apple"), (*key)("Banana"));
  EXPECT_LT((*key)("a"), (*key)("B"));
}

}  // namespace
}  // namespace vigil::runtime
