// What the list commands share: finding a key's list, its two ends, and what follows when elements come or go.
//
// For command handlers only; valid while one executes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "command/context.h"
#include "ds/chunked_list.h"
#include "keyspace/database.h"

namespace vigil::commands {

enum class ListEnd : uint8_t { kLeft, kRight };

// LEFT or RIGHT in any case.
std::optional<ListEnd> parseListEnd(std::string_view word);

inline std::string_view pushName(ListEnd end) { return end == ListEnd::kLeft ? "lpush" : "rpush"; }
inline std::string_view popName(ListEnd end) { return end == ListEnd::kLeft ? "lpop" : "rpop"; }

// The outcome of a look-up: a list, nothing, or a key of another type. The last is refused: the
// error has been replied. `auto found = …; if (found.refused()) return; if (found.list == nullptr) …`
template <typename List>
struct FoundList {
  List* list = nullptr;
  bool wrongType = false;
  bool refused() const { return wrongType; }  // the error has been replied
};
FoundList<const ds::ChunkedList> findList(command::Context& context, const keyspace::KeyRef& key);
FoundList<ds::ChunkedList> findListForWrite(command::Context& context, const keyspace::KeyRef& key);
// The same for a list that elements are taken from, perhaps by a client that waited for it: see Context::resumed().
FoundList<ds::ChunkedList> findSource(command::Context& context, const keyspace::KeyRef& key);

// An empty list at an absent key, notified as new. Pointers from earlier look-ups end here.
ds::ChunkedList& createList(command::Context& context, const keyspace::KeyRef& key);

// False, with an error replied, if one of the arguments from `first` on is longer than a list's element may be.
bool elementsFit(command::Context& context, size_t first);

void pushElement(ds::ChunkedList& list, ListEnd end, std::string_view text);
void popElement(ds::ChunkedList& list, ListEnd end);
inline ds::Element elementAt(const ds::ChunkedList& list, ListEnd end) {
  return end == ListEnd::kLeft ? list.front() : list.back();
}
// An index as clients give it, negative ones counting from the end; nullopt if there is no such element.
inline std::optional<size_t> listIndex(const ds::ChunkedList& list, int64_t index) {
  const auto size = static_cast<int64_t>(list.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return std::nullopt;
  return static_cast<size_t>(index);
}
void replyElement(command::Reply& reply, const ds::Element& element);

// Replies an array of the `count` elements nearest to that end, nearest first, and takes them out. At most size().
void popElementsWithReply(command::Reply& reply, ds::ChunkedList& list, ListEnd end, size_t count);

// Notifies that `count` elements came to a list; clients blocked on its key may be served.
void elementsAdded(command::Context& context, const keyspace::KeyRef& key, std::string_view event, size_t count);
// Notifies that `count` elements went, and deletes the key if none are left. `list` may be gone afterwards.
void elementsRemoved(command::Context& context, const keyspace::KeyRef& key, ds::ChunkedList& list,
                     std::string_view event, size_t count);

}  // namespace vigil::commands
