#include "commands/sort_source.h"

#include "commands/list_access.h"

namespace vigil::commands {

using command::Context;
using keyspace::Entry;

std::optional<SortSource> SortSource::at(Context& context, const keyspace::KeyRef& key) {
  const auto found = findList(context, key);
  if (found.refused()) return std::nullopt;
  return SortSource(found.list != nullptr ? found.list->snapshot() : ds::ChunkedList());
}

std::optional<std::string_view> sortValue(Context& context, std::string_view pattern, const ds::Element& element,
                                          SortScratch& scratch) {
  const std::string_view text = ds::toText(element, scratch.digits);
  if (pattern == "#") return text;
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  std::string_view behind = pattern.substr(star + 1);
  const size_t arrow = behind.find("->");
  const bool isField = arrow != std::string_view::npos && arrow + 2 < behind.size();
  if (isField) behind = behind.substr(0, arrow);
  scratch.key.assign(pattern.substr(0, star)).append(text).append(behind);
  const Entry* entry = context.db().find(context.db().ref(scratch.key));
  // A field is looked for in a hash alone, and there are no hashes yet.
  if (entry == nullptr || !entry->isString() || isField) return std::nullopt;
  return entry->stringValue(scratch.value);
}

}  // namespace vigil::commands
