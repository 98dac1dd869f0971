#include "ds/radix_heap.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

#include "ds/heap.h"

namespace vigil::ds {

struct RadixHeap::Block {
  static constexpr uint32_t kMinCapacity = 6;
  static constexpr uint32_t kMaxCapacity = 510;  // 4 KiB

  Block* next;
  uint32_t size;
  uint32_t capacity;
  Item* items() { return reinterpret_cast<Item*>(this + 1); }
  size_t bytes() const { return sizeof(Block) + capacity * sizeof(Item); }
};

RadixHeap::RadixHeap() noexcept = default;

RadixHeap::RadixHeap(RadixHeap&& other) noexcept
    : chains_(std::move(other.chains_)),
      size_(std::exchange(other.size_, 0)),
      block_bytes_(std::exchange(other.block_bytes_, 0)),
      now_(other.now_) {}

RadixHeap& RadixHeap::operator=(RadixHeap&& other) noexcept {
  if (this == &other) return *this;
  clear();
  chains_ = std::move(other.chains_);
  size_ = std::exchange(other.size_, 0);
  block_bytes_ = std::exchange(other.block_bytes_, 0);
  now_ = other.now_;
  return *this;
}

RadixHeap::~RadixHeap() { clear(); }

size_t RadixHeap::memoryUsage() const { return block_bytes_ + (chains_ != nullptr ? sizeof(Chains) : 0); }

void RadixHeap::clear() {
  if (chains_ == nullptr) return;
  for (Chain& bucket : chains_->buckets) freeChain(bucket);
  freeChain(chains_->due);
  freeChain(chains_->unsorted);
  chains_.reset();
  size_ = 0;
}

void RadixHeap::freeChain(Chain& chain) {
  while (chain.first != nullptr) {
    Block* const block = chain.first;
    chain.first = block->next;
    block_bytes_ -= block->bytes();
    freeBytes(block);
  }
  chain.last = nullptr;
}

void RadixHeap::append(Chain& chain, Item item) {
  Block* block = chain.first;
  if (block == nullptr || block->size == block->capacity) {
    const uint32_t capacity =
        block == nullptr ? Block::kMinCapacity : std::min(block->capacity * 2 + 2, Block::kMaxCapacity);
    void* const memory = allocateBytes(sizeof(Block) + capacity * sizeof(Item));
    block = new (memory) Block{.next = chain.first, .size = 0, .capacity = capacity};
    block_bytes_ += block->bytes();
    if (chain.last == nullptr) chain.last = block;
    chain.first = block;
  }
  block->items()[block->size++] = item;
}

RadixHeap::Item RadixHeap::takeFrom(Chain& chain) {
  Block* const block = chain.first;
  const Item item = block->items()[--block->size];
  if (block->size == 0) {
    chain.first = block->next;
    if (chain.first == nullptr) chain.last = nullptr;
    block_bytes_ -= block->bytes();
    freeBytes(block);
  }
  return item;
}

// Hangs all of `from` before `to`.
void RadixHeap::splice(Chain& from, Chain& to) {
  if (from.first == nullptr) return;
  from.last->next = to.first;
  to.first = from.first;
  if (to.last == nullptr) to.last = from.last;
  from = {};
}

void RadixHeap::place(Item item) {
  if (item.deadline <= now_) return append(chains_->due, item);
  append(chains_->buckets[static_cast<size_t>(std::bit_width(item.deadline ^ now_) - 1)], item);
}

void RadixHeap::push(uint32_t deadline, uint32_t payload) {
  if (chains_ == nullptr) chains_ = std::make_unique<Chains>();
  place({deadline, payload});
  ++size_;
}

void RadixHeap::advance(uint32_t now) {
  if (now <= now_) return;
  const auto changed = static_cast<size_t>(std::bit_width(now ^ now_) - 1);
  now_ = now;
  if (chains_ == nullptr) return;
  for (size_t i = 0; i < changed; ++i) splice(chains_->buckets[i], chains_->due);
  splice(chains_->buckets[changed], chains_->unsorted);
}

void RadixHeap::sortSome(size_t items) {
  for (; items > 0 && chains_ != nullptr && chains_->unsorted.first != nullptr; --items) {
    place(takeFrom(chains_->unsorted));
  }
}

bool RadixHeap::takeDue(Item& item) {
  if (chains_ == nullptr || chains_->due.first == nullptr) return false;
  item = takeFrom(chains_->due);
  if (--size_ == 0) chains_.reset();
  return true;
}

void RadixHeap::checkInvariants() const {
  [[maybe_unused]] size_t seen = 0;
  [[maybe_unused]] size_t bytes = 0;
  const auto walk = [&](const Chain& chain, [[maybe_unused]] auto&& belongs) {
    for (Block* block = chain.first; block != nullptr; block = block->next) {
      assert(block->size > 0 && block->size <= block->capacity);
      assert((block->next == nullptr) == (block == chain.last));
      for (uint32_t i = 0; i < block->size; ++i) assert(belongs(block->items()[i].deadline));
      seen += block->size;
      bytes += block->bytes();
    }
  };
  if (chains_ != nullptr) {
    walk(chains_->due, [this](uint32_t deadline) { return deadline <= now_; });
    walk(chains_->unsorted, [](uint32_t) { return true; });
    for (size_t i = 0; i < chains_->buckets.size(); ++i) {
      walk(chains_->buckets[i], [this, i](uint32_t deadline) {
        return deadline > now_ && static_cast<size_t>(std::bit_width(deadline ^ now_) - 1) == i;
      });
    }
  }
  assert(seen == size_ && bytes == block_bytes_);
  assert((size_ == 0) == (chains_ == nullptr));
}

}  // namespace vigil::ds
