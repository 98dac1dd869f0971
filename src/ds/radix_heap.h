// Which of many deadlines have come: a radix heap, a priority queue for a clock that never goes back. Eight bytes an
// element and little more.
//
// Thread safety: none; one owner at a time.
//
// How it works: with `now` the last tick seen, bucket i holds the deadlines whose highest bit that differs from now's
// is bit i. When the clock moves and bit h is the highest that it changes, then
//
//     buckets below h   are all due: their blocks are hung into the due list as they are
//     bucket h          holds due ones and later ones: hung into `unsorted`, and sorted into due and the buckets
//                       below h in steps, as budgets allow
//     buckets above h   stay
//
// so moving the clock costs O(1), an element is moved at most 32 times in its life (typically two or three times), and
// no call takes long however many elements there are. Elements within one bucket, and so those that are due, have no
// order.
//
// Memory: a bucket is a chain of blocks, small ones first; only the first of a chain is not full, but for what hanging
// chains together leaves. A block is freed when it is empty, and an empty heap holds nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace vigil::ds {

class RadixHeap {
 public:
  RadixHeap() noexcept;
  RadixHeap(RadixHeap&& other) noexcept;
  RadixHeap& operator=(RadixHeap&& other) noexcept;
  ~RadixHeap();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t memoryUsage() const;

  // A deadline that has come already is due at once.
  void push(uint32_t deadline, uint32_t payload);

  // Moves the clock to `now` (an earlier tick than the last one counts as the last one), takes out at most `budget`
  // elements whose deadline is not after it and calls due(deadline, payload) for each. The callback may push. True if
  // there may be more to take: call again, soon.
  template <typename Due>
  bool popDue(uint32_t now, Due&& due, size_t budget) {
    advance(now);
    sortSome(budget * kSortsPerPop);
    Item item;
    while (budget > 0 && takeDue(item)) {
      due(item.deadline, item.payload);
      --budget;
    }
    return hasMore();
  }

  void clear();

  // Asserts that each element lies where its deadline belongs.
  void checkInvariants() const;

 private:
  static constexpr size_t kSortsPerPop = 4;  // sorting an element is far cheaper than what a caller does with one

  struct Item {
    uint32_t deadline;
    uint32_t payload;
  };
  struct Block;
  struct Chain {
    Block* first = nullptr;
    Block* last = nullptr;
  };
  struct Chains {
    std::array<Chain, 32> buckets;
    Chain due;
    Chain unsorted;
  };

  void advance(uint32_t now);
  void sortSome(size_t items);
  bool takeDue(Item& item);
  bool hasMore() const {
    return chains_ != nullptr && (chains_->due.first != nullptr || chains_->unsorted.first != nullptr);
  }
  void place(Item item);
  void append(Chain& chain, Item item);
  Item takeFrom(Chain& chain);
  static void splice(Chain& from, Chain& to);
  void freeChain(Chain& chain);

  std::unique_ptr<Chains> chains_;  // null: empty
  size_t size_ = 0;
  size_t block_bytes_ = 0;
  uint32_t now_ = 0;
};

}  // namespace vigil::ds
