// What SORT sorts, and where it finds weights and values: the place to teach it another type of value.
//
// For command handlers only; valid while one executes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "command/context.h"
#include "commands/sort_arguments.h"
#include "ds/chunked_list.h"
#include "ds/element.h"
#include "keyspace/database.h"

namespace vigil::commands {

// The elements of a key as of one moment: later changes, also to this very key, do not show.
class SortSource {
 public:
  // An absent key has no elements; nullopt, with the error replied, if it holds what cannot be sorted.
  static std::optional<SortSource> at(command::Context& context, const keyspace::KeyRef& key);

  size_t size() const { return list_.size(); }
  // Where the type of the value has a say in how it is sorted (a set has no order that BY nosort could keep).
  void settleOrder(SortArguments&) const {}
  // The elements at positions `begin` to `end`, in the value's own order or from its other end. Texts are valid while
  // the source lives.
  template <typename Visit>
  void visit(size_t begin, size_t end, bool backwards, Visit visit) const {
    if (begin >= end) return;
    auto at = list_.cursorAt(backwards ? list_.size() - 1 - begin : begin);
    for (size_t left = end - begin; left > 0; --left) {
      visit(at.element());
      if (backwards) {
        at.previous();
      } else {
        at.next();
      }
    }
  }

 private:
  explicit SortSource(ds::ChunkedList list) : list_(std::move(list)) {}
  ds::ChunkedList list_;
};

// What holds the text of a value found: until the next look-up with it.
struct SortScratch {
  std::string key;
  ds::IntegerText digits;
  keyspace::Entry::Scratch value;
};

// The value that a pattern of BY or GET names for an element: "#" is the element itself; else the first '*' stands for
// it in the name of a key, "name->field" names a field of a hash. nullopt where there is none.
std::optional<std::string_view> sortValue(command::Context& context, std::string_view pattern,
                                          const ds::Element& element, SortScratch& scratch);

}  // namespace vigil::commands
