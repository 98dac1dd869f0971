#include "engine/message.h"

#include <gtest/gtest.h>

#include "command/output_buffer.h"

namespace vigil::engine {
namespace {

std::string bytesOf(command::OutputBuffer& out) {
  std::string bytes;
  std::string_view pieces[8];
  while (!out.empty()) {
    const size_t count = out.gather(pieces, 8);
    size_t sent = 0;
    for (size_t i = 0; i < count; ++i) {
      bytes.append(pieces[i]);
      sent += pieces[i].size();
    }
    out.consume(sent);
  }
  return bytes;
}

std::string sent(const Message& message, int protocol, bool subscribed = false) {
  command::OutputBuffer out;
  message.appendTo(out, {protocol, subscribed});
  return bytesOf(out);
}

TEST(Message, IsOneArrayOrPush) {
  const auto message = Message::push({"message", "ch", ""});
  EXPECT_EQ(sent(message, 2), "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$0\r\n\r\n");
  EXPECT_EQ(sent(message, 3), ">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$0\r\n\r\n");
  EXPECT_EQ(sent(Message::line("+1.2 [0 x] \"GET\""), 3), "+1.2 [0 x] \"GET\"\r\n");
}

TEST(Message, InvalidatesInTheFormOfItsReceiver) {
  const std::string_view keys[] = {"a", "bc"};
  auto some = Message::invalidation(keys);
  auto all = Message::invalidation({});
  EXPECT_EQ(sent(some, 3), ">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$2\r\nbc\r\n");
  EXPECT_EQ(sent(all, 3), ">2\r\n$10\r\ninvalidate\r\n_\r\n");
  EXPECT_EQ(sent(some, 2, true), "");  // not redirected: RESP2 has no pushes
  some.redirected = all.redirected = true;
  EXPECT_EQ(sent(some, 2, false), "");
  EXPECT_EQ(sent(some, 2, true), "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*2\r\n$1\r\na\r\n$2\r\nbc\r\n");
  EXPECT_EQ(sent(all, 2, true), "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n");
}

TEST(Message, OfABrokenRedirectionIsForResp3) {
  EXPECT_EQ(sent(Message::redirectBroken(12), 3), ">2\r\n$21\r\ntracking-redir-broken\r\n:12\r\n");
  EXPECT_EQ(sent(Message::redirectBroken(12), 2, true), "");
}

TEST(Message, IsSharedWhereItIsLargeOrWaits) {
  const std::string text(300, 'x');
  const auto large = Message::push({std::string(5000, 'y')});
  const auto small = Message::push({text});
  command::OutputBuffer fast;
  large.appendTo(fast, {});
  EXPECT_FALSE(large.body.isUnique());
  small.appendTo(fast, {});
  EXPECT_TRUE(small.body.isUnique());
  // A mark behind it stays behind it.
  const size_t mark = fast.offset();
  fast.append("reply");
  fast.truncate(mark);
  EXPECT_EQ(bytesOf(fast), "*1\r\n$5000\r\n" + std::string(5000, 'y') + "\r\n*1\r\n$300\r\n" + text + "\r\n");
  command::OutputBuffer slow;
  slow.append(std::string(100'000, 'z'));
  for (int i = 0; i < 1000; ++i) small.appendTo(slow, {});
  EXPECT_FALSE(small.body.isUnique());
  const std::string all = bytesOf(slow);
  EXPECT_EQ(all.size(), 100'000 + 1000 * (text.size() + 12));
  EXPECT_TRUE(all.ends_with("*1\r\n$300\r\n" + text + "\r\n"));
  EXPECT_TRUE(small.body.isUnique());
}

}  // namespace
}  // namespace vigil::engine
