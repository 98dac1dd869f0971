// The replies of COMMAND and its subcommands, from the rows of the command table. Pure functions of it, thread safe
// once the table is filled.
#pragma once

#include "command/command_table.h"
#include "command/context.h"
#include "command/reply.h"

namespace vigil::command {

// The entry of "get" or, for a subcommand, "client|list"; nullptr if there is none.
const CommandEntry* findFullName(const CommandTable& table, std::string_view name);

// `names`: what stands behind COMMAND INFO or DOCS; none: all commands. INFO without names is also COMMAND's reply.
void replyCommandInfo(Reply& reply, const CommandTable& table, Args names);
void replyCommandDocs(Reply& reply, const CommandTable& table, Args names);
void replyCommandCount(Reply& reply, const CommandTable& table);
// `filter`: what stands behind COMMAND LIST: nothing, or FILTERBY MODULE|ACLCAT|PATTERN value.
void replyCommandList(Reply& reply, const CommandTable& table, Args filter);
// COMMAND GETKEYS and, with flags, GETKEYSANDFLAGS. `call`: the whole command that is asked about.
void replyCommandKeys(Reply& reply, const CommandTable& table, Args call, bool withFlags);

// The words that Redis has for flags and categories ("write"; "string", as in "@string").
struct FlagName {
  uint64_t flag;
  std::string_view name;
};
std::span<const FlagName> commandFlagNames();
std::span<const FlagName> categoryNames();

}  // namespace vigil::command
