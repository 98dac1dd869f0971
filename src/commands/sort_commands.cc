// SORT, SORT_RO.
//
//   elements of the key -> weights (BY, or themselves) -> order -> LIMIT -> values (GET, or themselves) -> reply or STORE
#include "commands/sort_commands.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>

#include "commands/sort_arguments.h"
#include "commands/sort_options.h"
#include "commands/sort_source.h"
#include "ds/chunked_list.h"
#include "keyspace/database.h"

namespace vigil::commands {

using command::CommandSpec;
using command::Context;
using command::EventClass;
using command::KeySpec;

namespace {

struct Item {
  ds::Element element;
  double number = 0;    // the weight, unless ALPHA
  size_t weight = kNo;  // ALPHA: which of the weights
  static constexpr size_t kNo = SIZE_MAX;
};

// As much of the elements as LIMIT lets through, by position.
struct Range {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

Range limited(const SortArguments& sort, size_t size) {
  const auto all = static_cast<int64_t>(size);
  const int64_t begin = std::clamp<int64_t>(sort.offset, 0, all);
  const int64_t count = sort.count < 0 ? all : std::min(sort.count, all);
  return {static_cast<size_t>(begin), static_cast<size_t>(std::min(begin + count, all))};
}

constexpr std::string_view kItself = "#";  // the pattern that stands for an element itself

class Sorter {
 public:
  Sorter(Context& context, const SortArguments& sort)
      : context_(context), sort_(sort), collationKey_(context.owner<SortOptions>().collationKey.load()) {}

  // False if a weight is no number.
  bool weigh(std::vector<Item>& items) {
    SortScratch scratch;
    bool sound = true;
    for (Item& item : items) {
      if (!sort_.alphabetical && item.element.isInteger && sort_.by.empty()) {
        item.number = static_cast<double>(item.element.number);
        continue;
      }
      const auto weight = sortValue(context_, sort_.by.empty() ? kItself : sort_.by, item.element, scratch);
      if (!weight) continue;
      if (sort_.alphabetical) {
        item.weight = weights_.size();
        weights_.push_back(collated(*weight));
      } else {
        sound = toNumber(*weight, item.number) && sound;
      }
    }
    return sound;
  }

  void order(std::vector<Item>& items) const {
    std::stable_sort(items.begin(), items.end(), [this](const Item& left, const Item& right) {
      const int order = sort_.alphabetical ? compareTexts(left, right) : compareNumbers(left, right);
      return sort_.descending ? order > 0 : order < 0;
    });
  }

 private:
  static bool toNumber(std::string_view text, double& number) {
    const std::string terminated(text);
    char* end = nullptr;
    errno = 0;
    number = std::strtod(terminated.c_str(), &end);
    if (end == terminated.c_str() + terminated.size() && errno != ERANGE && !std::isnan(number)) return true;
    number = 0;
    return false;
  }

  static int compareElements(const Item& left, const Item& right) {
    ds::IntegerText digits[2];
    return ds::toText(left.element, digits[0]).compare(ds::toText(right.element, digits[1]));
  }

  // Equal weights are ordered by the elements, so that the outcome depends on nothing else.
  static int compareNumbers(const Item& left, const Item& right) {
    if (left.number != right.number) return left.number < right.number ? -1 : 1;
    return compareElements(left, right);
  }

  int compareTexts(const Item& left, const Item& right) const {
    if (left.weight == Item::kNo || right.weight == Item::kNo) {
      return static_cast<int>(left.weight != Item::kNo) - static_cast<int>(right.weight != Item::kNo);
    }
    return weights_[left.weight].compare(weights_[right.weight]);
  }

  // What is stored must not depend on a language. Else texts end at their first NUL, as Redis's order has it.
  std::string collated(std::string_view text) const {
    if (sort_.store != 0) return std::string(text);
    const std::string shown(text.substr(0, text.find('\0')));
    return collationKey_ ? collationKey_(shown) : shown;
  }

  Context& context_;
  const SortArguments& sort_;
  const SortOptions::CollationKey collationKey_;
  std::vector<std::string> weights_;
};

// The items to return, in order; nullopt after an error reply.
std::optional<std::vector<Item>> sortedItems(Context& context, SortArguments& sort, const SortSource& source) {
  const Range range = limited(sort, source.size());
  source.settleOrder(sort);
  std::vector<Item> items;
  const auto add = [&items](const ds::Element& element) { items.push_back({.element = element}); };
  if (!sort.sorts) {
    items.reserve(range.size());
    source.visit(range.begin, range.end, sort.descending, add);
    return items;
  }
  items.reserve(source.size());
  source.visit(0, source.size(), false, add);
  Sorter sorter(context, sort);
  if (!sorter.weigh(items)) {
    context.reply().error("ERR One or more scores can't be converted into double");
    return std::nullopt;
  }
  sorter.order(items);
  items.erase(items.begin() + static_cast<ptrdiff_t>(range.end), items.end());
  items.erase(items.begin(), items.begin() + static_cast<ptrdiff_t>(range.begin));
  return items;
}

// Calls `take(std::optional<std::string_view>)` for each value of the outcome.
template <typename Take>
void eachValue(Context& context, const SortArguments& sort, const std::vector<Item>& items, Take take) {
  SortScratch scratch;
  for (const Item& item : items) {
    if (sort.get.empty()) take(sortValue(context, kItself, item.element, scratch));
    for (std::string_view pattern : sort.get) take(sortValue(context, pattern, item.element, scratch));
  }
}

void replySorted(Context& context, const SortArguments& sort, const std::vector<Item>& items) {
  auto& reply = context.reply();
  reply.array(items.size() * std::max<size_t>(1, sort.get.size()));
  eachValue(context, sort, items, [&reply](std::optional<std::string_view> value) {
    if (value) {
      reply.bulk(*value);
    } else {
      reply.null();
    }
  });
}

void storeSorted(Context& context, const SortArguments& sort, const std::vector<Item>& items) {
  ds::ChunkedList list(context.owner<SortOptions>().lists.limit());
  eachValue(context, sort, items,
            [&list](std::optional<std::string_view> value) { list.pushBack(value.value_or(std::string_view())); });
  const size_t size = list.size();
  const auto key = context.key(sort.store);
  context.reply().integer(static_cast<int64_t>(size));
  if (size == 0) {
    if (context.db().erase(key)) context.changed(key, EventClass::kGeneric, "del");
    return;
  }
  context.db().addList(key) = std::move(list);
  context.changed(key, EventClass::kList, "sortstore", size);
  context.ready(key);
}

template <SortVariant kVariant>
void sort(Context& context) {
  auto sort = parseSort(context, kVariant);
  if (!sort) return;
  const auto source = SortSource::at(context, context.key(1));
  if (!source) return;
  const auto items = sortedItems(context, *sort, *source);
  if (!items) return;
  if (sort->store != 0) {
    storeSorted(context, *sort, *items);
  } else {
    replySorted(context, *sort, *items);
  }
}

constexpr std::string_view kPatternNotes =
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key "
    "we sort";
constexpr KeySpec kSortedKey = {.flags = command::kKeyRO | command::kKeyAccess};
constexpr KeySpec kPatternKeys = {.flags = command::kKeyRO | command::kKeyAccess,
                                  .begin = KeySpec::Begin::kUnknown,
                                  .find = KeySpec::Find::kUnknown,
                                  .notes = kPatternNotes};
constexpr KeySpec kStoredKey = {.flags = command::kKeyOW | command::kKeyUpdate,
                                .begin = KeySpec::Begin::kUnknown,
                                .find = KeySpec::Find::kUnknown,
                                .notes = "For the optional STORE keyword. It is marked 'unknown' because the keyword "
                                         "can appear anywhere in the argument array"};
constexpr KeySpec kSortKeys[] = {kSortedKey, kPatternKeys, kStoredKey};
constexpr KeySpec kSortRoKeys[] = {kSortedKey, kPatternKeys};
constexpr uint32_t kCategories =
    command::kCatSet | command::kCatSortedSet | command::kCatList | command::kCatDangerous;
constexpr std::string_view kComplexity =
    "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned "
    "elements. When the elements are not sorted, complexity is O(N).";

constexpr CommandSpec kCommands[] = {
    {.name = "sort",
     .arity = -2,
     .flags = command::kWrite | command::kDenyOom | command::kMovableKeys,
     .categories = kCategories,
     .keys = kSortKeys,
     .handler = sort<SortVariant::kMayStore>,
     .findKeys = findSortKeys,
     .needsWorld = sortReadsOtherKeys,
     .group = "generic",
     .since = "1.0.0",
     .summary = "Sort the elements in a list, set or sorted set",
     .complexity = kComplexity,
     .arguments = "key [pattern:pattern#1=BY] [offset_count:<offset:integer count:integer>=LIMIT] "
                  "[pattern:pattern#1=GET++] [order:(ASC|DESC)] [sorting:pure-token=ALPHA] "
                  "[destination:key#2=STORE]"},
    {.name = "sort_ro",
     .arity = -2,
     .flags = command::kReadonly | command::kMovableKeys,
     .categories = kCategories,
     .keys = kSortRoKeys,
     .handler = sort<SortVariant::kReadOnly>,
     .findKeys = findSortReadKeys,
     .needsWorld = sortReadsOtherKeys,
     .group = "generic",
     .since = "7.0.0",
     .summary = "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
     .complexity = kComplexity,
     .arguments = "key [pattern:pattern#1=BY] [offset_count:<offset:integer count:integer>=LIMIT] "
                  "[pattern:pattern#1=GET++] [order:(ASC|DESC)] [sorting:pure-token=ALPHA]"},
};

}  // namespace

std::span<const CommandSpec> sortCommands() { return kCommands; }

}  // namespace vigil::commands
