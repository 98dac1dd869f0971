// A small table of commands for the tests of ACL.
#pragma once

#include "command/command_table.h"

namespace vigil::engine::acl {

inline const command::CommandTable& testTable() {
  using namespace command;
  static constexpr KeySpec kRead[] = {{.flags = kKeyRO | kKeyAccess}};
  static constexpr KeySpec kExists[] = {{.flags = kKeyRO, .last = -1}};
  static constexpr KeySpec kWrite1[] = {{.flags = kKeyOW | kKeyUpdate}};
  static constexpr KeySpec kReadWrite[] = {{.flags = kKeyRW | kKeyAccess | kKeyUpdate}};
  static constexpr KeySpec kCopy[] = {{.flags = kKeyRO | kKeyAccess, .index = 1},
                                      {.flags = kKeyOW | kKeyUpdate, .index = 2}};
  static constexpr Handler kNothing = [](Context&) {};
  static constexpr CommandSpec kConfig[] = {
      {.name = "get", .arity = -3, .flags = kAdmin, .handler = kNothing},
      {.name = "set", .arity = -4, .flags = kAdmin, .handler = kNothing},
      {.name = "help", .arity = 2, .handler = kNothing},
  };
  static constexpr CommandSpec kClient[] = {
      {.name = "list", .arity = -2, .flags = kAdmin, .categories = kCatConnection, .handler = kNothing},
      {.name = "id", .arity = 2, .categories = kCatConnection, .handler = kNothing},
  };
  static constexpr CommandSpec kRows[] = {
      {.name = "get", .arity = 2, .flags = kReadonly | kFast, .categories = kCatString, .keys = kRead},
      {.name = "set", .arity = -3, .flags = kWrite, .categories = kCatString, .keys = kWrite1},
      {.name = "getset", .arity = 3, .flags = kWrite, .categories = kCatString, .keys = kReadWrite},
      {.name = "incr", .arity = 2, .flags = kWrite | kFast, .categories = kCatString, .keys = kReadWrite},
      {.name = "exists", .arity = -2, .flags = kReadonly | kFast, .categories = kCatKeyspace, .keys = kExists},
      {.name = "copy", .arity = -3, .flags = kWrite, .categories = kCatKeyspace, .keys = kCopy},
      {.name = "hget", .arity = 3, .flags = kReadonly | kFast, .categories = kCatHash, .keys = kRead},
      {.name = "hset", .arity = -4, .flags = kWrite | kFast, .categories = kCatHash, .keys = kWrite1},
      {.name = "keys", .arity = 2, .flags = kReadonly, .categories = kCatKeyspace | kCatDangerous},
      {.name = "select", .arity = 2, .flags = kFast, .categories = kCatConnection},
      {.name = "debug", .arity = -2, .flags = kAdmin},
      {.name = "auth", .arity = -2, .flags = kFast | kNoAuth, .categories = kCatConnection},
      {.name = "publish", .arity = 3, .flags = kPubsub | kFast},
      {.name = "subscribe", .arity = -2, .flags = kPubsub},
      {.name = "psubscribe", .arity = -2, .flags = kPubsub},
      {.name = "unsubscribe", .arity = -1, .flags = kPubsub},
      {.name = "config", .arity = -2, .subcommands = kConfig},
      {.name = "client", .arity = -2, .subcommands = kClient},
  };
  static const CommandTable* const table = [] {
    auto* built = new CommandTable;
    built->add(kRows, nullptr);
    return built;
  }();
  return *table;
}

}  // namespace vigil::engine::acl
