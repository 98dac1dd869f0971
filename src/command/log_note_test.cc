#include "command/log_note.h"

#include <gtest/gtest.h>

namespace vigil::command {
namespace {

using Words = std::vector<std::string_view>;

TEST(LogNote, ComesBackAsTheCommandThatItWas) {
  const std::vector<std::string> words = {"CLUSTER", "SYNCSLOTS", "STAGE", "job", "node", "0-99", "200-200"};
  const std::string text = noteText(words);
  const std::string_view args[] = {"ECHO", text};
  EXPECT_EQ(noteWords(args), Words(words.begin(), words.end()));
}

TEST(LogNote, IsNothingElse) {
  for (const Words& args : {Words{"ECHO", "hello"}, Words{"SET", "CLUSTER SYNCSLOTS STAGE"}, Words{"ECHO"},
                            Words{"ECHO", "CLUSTER SYNCSLOTS x", "y"}, Words{"ECHO", "CLUSTER INFO"}, Words{}}) {
    EXPECT_TRUE(noteWords(args).empty());
  }
  EXPECT_EQ(noteWords(Words{"echo", "CLUSTER SYNCSLOTS  x "}), (Words{"CLUSTER", "SYNCSLOTS", "", "x"}));
}

}  // namespace
}  // namespace vigil::command
