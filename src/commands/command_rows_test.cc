// What every row of this folder promises, whatever its command does.
#include <gtest/gtest.h>

#include <span>

#include "command/argument_docs.h"
#include "commands/list_commands.h"
#include "commands/string_commands.h"

namespace vigil::commands {
namespace {

void check(const command::CommandSpec& row) {
  SCOPED_TRACE(row.name);
  EXPECT_NE(row.arity, 0);
  EXPECT_EQ(row.handler == nullptr, !row.subcommands.empty());
  EXPECT_FALSE(row.group.empty());
  EXPECT_FALSE(row.since.empty());
  EXPECT_FALSE(row.summary.empty());
  EXPECT_TRUE(command::parseArguments(row.arguments)) << row.arguments;
  EXPECT_NE((row.flags & command::kWrite) != 0, (row.flags & command::kReadonly) != 0 || !row.subcommands.empty());
  for (std::string_view entry : row.history) EXPECT_NE(entry.find('|'), std::string_view::npos) << entry;
  for (const auto& subcommand : row.subcommands) {
    EXPECT_NE(subcommand.handler, nullptr) << subcommand.name;
    EXPECT_TRUE(command::parseArguments(subcommand.arguments)) << subcommand.arguments;
  }
}

TEST(CommandRows, AreComplete) {
  for (auto rows : {stringReadCommands(), stringSetCommands(), stringCounterCommands(), stringRangeCommands(),
                    stringLcsCommands(), bitCommands(), bitfieldCommands(), listPushPopCommands(), listRangeCommands(),
                    listEditCommands(), listMoveCommands(), listPopAnyCommands()}) {
    for (const auto& row : rows) check(row);
  }
}

}  // namespace
}  // namespace vigil::commands
