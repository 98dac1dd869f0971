#include "command/output_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace vigil::command {
namespace {

// What a client would receive if each write took at most `step` bytes.
std::string drain(OutputBuffer& out, size_t step = SIZE_MAX) {
  std::string received;
  while (!out.empty()) {
    std::string_view pieces[3];
    const size_t count = out.gather(pieces, 3);
    std::string offered;
    for (size_t i = 0; i < count; ++i) offered.append(pieces[i]);
    offered.resize(std::min(offered.size(), step));
    received += offered;
    out.consume(offered.size());
  }
  EXPECT_EQ(out.pending(), 0u);
  return received;
}

OutputBuffer mixed() {
  OutputBuffer out;
  out.append("one|");
  out.appendShared(ds::SharedBuffer(std::string(100, 'x')));
  out.append("|two|");
  out.appendShared(ds::SharedBuffer("yy"));
  out.appendShared(ds::SharedBuffer(std::string_view()));
  out.append("|three");
  return out;
}

const std::string kMixed = "one|" + std::string(100, 'x') + "|two|yy|three";

TEST(OutputBuffer, KeepsTheOrderOfBytesAndReferencesHoweverLittleIsTaken) {
  for (size_t step : {size_t{1}, size_t{3}, size_t{7}, size_t{50}, SIZE_MAX}) {
    OutputBuffer out = mixed();
    EXPECT_EQ(out.pending(), kMixed.size());
    EXPECT_EQ(drain(out, step), kMixed);
  }
}

TEST(OutputBuffer, InsertPutsBytesBeforeWhatFollowsReferencesIncluded) {
  OutputBuffer out;
  out.append("a");
  const size_t at = out.offset();
  out.append("b");
  out.appendShared(ds::SharedBuffer("REF"));
  out.append("c");
  out.insert(at, "<header>");
  EXPECT_EQ(drain(out), "a<header>bREFc");
}

TEST(OutputBuffer, TruncateTakesReferencesBackToo) {
  OutputBuffer out;
  out.append("keep");
  const size_t at = out.offset();
  out.append("drop");
  out.appendShared(ds::SharedBuffer("REF"));
  out.append("!");
  out.truncate(at);
  EXPECT_EQ(out.pending(), 4u);
  out.append(".");
  EXPECT_EQ(drain(out), "keep.");
}

TEST(OutputBuffer, AppendAllMovesEverythingBehind) {
  OutputBuffer out;
  out.append(std::string(5000, 'a'));
  out.appendAll(mixed());
  EXPECT_EQ(drain(out, 9), std::string(5000, 'a') + kMixed);

  OutputBuffer empty;
  empty.appendAll(mixed());
  empty.append("+");
  EXPECT_EQ(drain(empty), kMixed + "+");
}

TEST(OutputBuffer, AMovedFromBufferIsEmptyAndUsable) {
  OutputBuffer out = mixed();
  OutputBuffer taken = std::move(out);
  EXPECT_TRUE(out.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  out.append("again");
  EXPECT_EQ(drain(out), "again");
  EXPECT_EQ(drain(taken), kMixed);
  out = mixed();
  EXPECT_EQ(drain(out), kMixed);
}

TEST(OutputBuffer, MemoryOfASlowClientStaysNearWhatIsPending) {
  OutputBuffer out;
  for (int round = 0; round < 200; ++round) {
    out.append(std::string(10'000, 'a'));
    out.consume(9'900);
  }
  EXPECT_EQ(out.pending(), 20'000u);
  EXPECT_LT(out.memory(), 400'000u);
  drain(out);
  out.shrink();
  EXPECT_EQ(out.memory(), 0u);
  out.append("works");
  EXPECT_EQ(drain(out), "works");
}

}  // namespace
}  // namespace vigil::command
