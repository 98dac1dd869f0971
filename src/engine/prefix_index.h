// Finds, among many prefixes, those with which a text begins: the patterns of subscribers, the prefixes that clients
// track. Costs one look-up for each length that occurs, however many prefixes there are. Not thread safe.
#pragma once

#include <map>
#include <string_view>

#include "base/string_map.h"

namespace vigil::engine {

template <typename Value>
class PrefixIndex {
 public:
  // The value of a prefix, made if there is none.
  Value& at(std::string_view prefix) {
    auto found = values_.find(prefix);
    if (found != values_.end()) return found->second;
    ++lengths_[prefix.size()];
    return values_.emplace(std::string(prefix), Value()).first->second;
  }
  Value* find(std::string_view prefix) {
    auto found = values_.find(prefix);
    return found == values_.end() ? nullptr : &found->second;
  }
  void erase(std::string_view prefix) {
    auto found = values_.find(prefix);
    if (found == values_.end()) return;
    auto length = lengths_.find(prefix.size());
    if (--length->second == 0) lengths_.erase(length);
    values_.erase(found);
  }
  size_t size() const { return values_.size(); }

  // The prefixes of `text`, the shortest first: visit(prefix, value).
  template <typename Visit>
  void visit(std::string_view text, Visit visit) {
    for (const auto& [length, count] : lengths_) {
      if (length > text.size()) return;
      auto found = values_.find(text.substr(0, length));
      if (found != values_.end()) visit(std::string_view(found->first), found->second);
    }
  }

 private:
  StringMap<Value> values_;
  std::map<size_t, size_t> lengths_;  // how many prefixes have this length
};

}  // namespace vigil::engine
