#include "commands/list_access.h"

#include <algorithm>

#include "base/text.h"
#include "commands/list_options.h"
#include "keyspace/entry.h"

namespace vigil::commands {

using command::Context;
using command::EventClass;
using command::Reply;
using ds::ChunkedList;
using keyspace::KeyRef;

namespace {

template <typename List, typename EntryPointer>
FoundList<List> listOf(Context& context, EntryPointer entry) {
  if (entry == nullptr) return {};
  if (!entry->isList()) [[unlikely]] {
    context.reply().wrongType();
    return {nullptr, true};
  }
  return {&entry->list(), false};
}

}  // namespace

std::optional<ListEnd> parseListEnd(std::string_view word) {
  if (equalsIgnoreCase(word, "left")) return ListEnd::kLeft;
  if (equalsIgnoreCase(word, "right")) return ListEnd::kRight;
  return std::nullopt;
}

FoundList<const ChunkedList> findList(Context& context, const KeyRef& key) {
  return listOf<const ChunkedList>(context, context.db().find(key));
}

FoundList<ChunkedList> findListForWrite(Context& context, const KeyRef& key) {
  return listOf<ChunkedList>(context, context.db().findForWrite(key));
}

FoundList<ChunkedList> findSource(Context& context, const KeyRef& key) {
  if (context.resumed()) {
    const auto* entry = context.db().peek(key);
    if (entry != nullptr && !entry->isList()) return {};
  }
  return findListForWrite(context, key);
}

ChunkedList& createList(Context& context, const KeyRef& key) {
  ChunkedList& list = context.db().addList(key);
  list = ChunkedList(context.owner<ListOptions>().limit());
  return list;
}

bool elementsFit(Context& context, size_t first) {
  const auto tooLarge = [](std::string_view text) { return text.size() > ChunkedList::kMaxElementSize; };
  if (std::ranges::any_of(context.args().subspan(first), tooLarge)) [[unlikely]] {
    context.reply().error("ERR Element too large");
    return false;
  }
  return true;
}

void pushElement(ChunkedList& list, ListEnd end, std::string_view text) {
  if (end == ListEnd::kLeft) {
    list.pushFront(text);
  } else {
    list.pushBack(text);
  }
}

void popElement(ChunkedList& list, ListEnd end) {
  if (end == ListEnd::kLeft) {
    list.popFront();
  } else {
    list.popBack();
  }
}

void replyElement(Reply& reply, const ds::Element& element) {
  if (element.isInteger) {
    reply.bulk(element.number);
  } else {
    reply.bulk(element.text);
  }
}

void popElementsWithReply(Reply& reply, ChunkedList& list, ListEnd end, size_t count) {
  reply.array(count);
  if (end == ListEnd::kLeft) {
    auto cursor = list.cursorAt(0);
    for (size_t i = 0; i < count; ++i, cursor.next()) replyElement(reply, cursor.element());
    list.eraseFront(count);
  } else {
    auto cursor = list.cursorAt(list.size() - 1);
    for (size_t i = 0; i < count; ++i, cursor.previous()) replyElement(reply, cursor.element());
    list.eraseBack(count);
  }
}

void elementsAdded(Context& context, const KeyRef& key, std::string_view event, size_t count) {
  context.changed(key, EventClass::kList, event, count);
  context.ready(key);
}

void elementsRemoved(Context& context, const KeyRef& key, ChunkedList& list, std::string_view event, size_t count) {
  const bool emptied = list.empty();
  if (emptied) context.db().erase(key);
  context.changed(key, EventClass::kList, event, count);
  if (emptied) context.event(EventClass::kGeneric, "del", key);
}

}  // namespace vigil::commands
