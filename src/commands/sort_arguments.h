// What SORT and SORT_RO are asked for.
//
// For command handlers and for the finding of keys; pure but for the error replies.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "command/context.h"
#include "command/spec.h"

namespace vigil::commands {

enum class SortVariant : uint8_t { kMayStore, kReadOnly };

struct SortArguments {
  std::string_view by;                // BY: where an element's weight stands; empty: the element is its weight
  bool sorts = true;                  // false: BY names no key (BY nosort): in the order in which they come
  std::vector<std::string_view> get;  // GET: what to return for each element; none: the element
  int64_t offset = 0;                 // LIMIT
  int64_t count = -1;
  bool descending = false;
  bool alphabetical = false;  // ALPHA: weights are text, not numbers
  size_t store = 0;           // the argument that names the key to store into; 0: none
};

// nullopt after an error reply.
std::optional<SortArguments> parseSort(command::Context& context, SortVariant variant);

// Whether the call reads keys that its arguments do not name: BY or GET with a pattern.
bool sortReadsOtherKeys(command::Args args);

// The key to sort, and the one to store into.
bool findSortKeys(command::Args args, std::vector<command::KeyPosition>& keys);
bool findSortReadKeys(command::Args args, std::vector<command::KeyPosition>& keys);

}  // namespace vigil::commands
