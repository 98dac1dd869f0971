#include "ds/chunk_tree.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <memory>

namespace vigil::ds {
namespace {

constexpr size_t kFanout = 32;

}  // namespace

// A reference-counted node. Slots hold nodes, or on level 0 chunks; each slot owns one reference.
struct ChunkTree::Node {
  union Slot {
    Slot() {}
    ~Slot() {}
    Node* node;
    PackedList chunk;
  };

  explicit Node(size_t level) : level(static_cast<uint16_t>(level)) {}

  static Node* make(size_t level) { return std::make_unique<Node>(level).release(); }
  static void release(Node* node);
  // Makes `node` one that no other tree holds.
  static Node* own(Node*& node);

  size_t total() const {
    size_t sum = 0;
    for (size_t i = 0; i < size; ++i) sum += counts[i];
    return sum;
  }
  // The slot that holds `position`, which becomes relative to that slot.
  size_t slotOf(size_t& position) const {
    size_t slot = 0;
    while (position >= counts[slot]) position -= counts[slot++];
    assert(slot < size);
    return slot;
  }

  void moveSlot(size_t to, Node& from_node, size_t from);
  void shareSlot(size_t to, const Node& from_node, size_t from);
  void destroySlot(size_t slot);
  void openSlot(size_t slot);
  void closeSlots(size_t slot, size_t number);  // of destroyed or moved slots

  Node* splitFor(size_t slot);
  template <typename Fill>
  Node* addSlot(size_t slot, size_t count, Fill fill);
  void joinThin(size_t slot);

  static Node* insert(Node*& ref, size_t position, PackedList& chunk);
  static PackedList remove(Node*& ref, size_t position);
  static size_t dropEnd(Node*& ref, size_t elements, bool front);
  static bool dropSome(Node* node, size_t& budget);
  void addExtent(Extent& extent) const;
  size_t check() const;

  bool isShared() const { return refs.load(std::memory_order_acquire) != 1; }

  std::atomic<uint32_t> refs = 1;
  uint16_t level;
  uint16_t size = 0;
  std::array<size_t, kFanout> counts;
  std::array<Slot, kFanout> slots;
};

void ChunkTree::Node::release(Node* node) {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::unique_ptr<Node> last(node);
  for (size_t i = 0; i < node->size; ++i) node->destroySlot(i);
}

ChunkTree::Node* ChunkTree::Node::own(Node*& node) {
  if (!node->isShared()) return node;
  Node* const copy = make(node->level);
  for (size_t i = 0; i < node->size; ++i) copy->shareSlot(i, *node, i);
  copy->size = node->size;
  release(node);
  return node = copy;
}

void ChunkTree::Node::moveSlot(size_t to, Node& from_node, size_t from) {
  counts[to] = from_node.counts[from];
  if (level > 0) {
    slots[to].node = from_node.slots[from].node;
  } else {
    std::construct_at(&slots[to].chunk, std::move(from_node.slots[from].chunk));
    std::destroy_at(&from_node.slots[from].chunk);
  }
}

void ChunkTree::Node::shareSlot(size_t to, const Node& from_node, size_t from) {
  counts[to] = from_node.counts[from];
  if (level > 0) {
    slots[to].node = from_node.slots[from].node;
    slots[to].node->refs.fetch_add(1, std::memory_order_relaxed);
  } else {
    std::construct_at(&slots[to].chunk, from_node.slots[from].chunk);
  }
}

void ChunkTree::Node::destroySlot(size_t slot) {
  if (level > 0) {
    release(slots[slot].node);
  } else {
    std::destroy_at(&slots[slot].chunk);
  }
}

void ChunkTree::Node::openSlot(size_t slot) {
  for (size_t i = size; i > slot; --i) moveSlot(i, *this, i - 1);
  ++size;
}

void ChunkTree::Node::closeSlots(size_t slot, size_t number) {
  if (number == 0) return;
  for (size_t i = slot + number; i < size; ++i) moveSlot(i - number, *this, i);
  size = static_cast<uint16_t>(size - number);
}

// Splits a full node and returns its new right half. A node that is added to at one end leaves all that it has on the
// other side of the split: lists grow at their ends, and full nodes stay full.
ChunkTree::Node* ChunkTree::Node::splitFor(size_t slot) {
  const size_t split = slot == size ? size : slot == 0 ? 0 : size / 2;
  Node* const right = make(level);
  for (size_t i = split; i < size; ++i) right->moveSlot(i - split, *this, i);
  right->size = static_cast<uint16_t>(size - split);
  size = static_cast<uint16_t>(split);
  return right;
}

// Adds a slot with fill(slot); returns the new right neighbour if this node had to be split.
template <typename Fill>
ChunkTree::Node* ChunkTree::Node::addSlot(size_t slot, size_t count, Fill fill) {
  Node* right = nullptr;
  Node* target = this;
  if (size == kFanout) {
    right = splitFor(slot);
    if (size > 0 && slot >= size) {
      slot -= size;
      target = right;
    }
  }
  target->openSlot(slot);
  target->counts[slot] = count;
  fill(target->slots[slot]);
  return right;
}

// Inserts below `ref`; returns the new right neighbour if that node had to be split.
ChunkTree::Node* ChunkTree::Node::insert(Node*& ref, size_t position, PackedList& chunk) {
  Node* const node = own(ref);
  size_t slot = 0;
  if (node->level == 0) {
    while (slot < node->size && position >= node->counts[slot]) position -= node->counts[slot++];
    assert(position == 0);
    return node->addSlot(slot, chunk.count(), [&](Slot& to) { std::construct_at(&to.chunk, std::move(chunk)); });
  }
  while (position > node->counts[slot]) position -= node->counts[slot++];
  node->counts[slot] += chunk.count();
  Node* const added = insert(node->slots[slot].node, position, chunk);
  if (added == nullptr) return nullptr;
  const size_t moved = added->total();
  node->counts[slot] -= moved;
  return node->addSlot(slot + 1, moved, [&](Slot& to) { to.node = added; });
}

// Joins the child in `slot`, if it is thin, with a neighbour, if the two leave room.
void ChunkTree::Node::joinThin(size_t slot) {
  const size_t own_size = slots[slot].node->size;
  if (own_size >= kFanout / 4) return;
  const auto joinable = [&](size_t other) { return slots[other].node->size + own_size <= kFanout * 3 / 4; };
  size_t left_slot = slot;
  if (slot > 0 && joinable(slot - 1)) {
    left_slot = slot - 1;
  } else if (slot + 1 >= size || !joinable(slot + 1)) {
    return;
  }
  Node* const left = own(slots[left_slot].node);
  Node* const right = own(slots[left_slot + 1].node);
  for (size_t i = 0; i < right->size; ++i) left->moveSlot(left->size + i, *right, i);
  left->size = static_cast<uint16_t>(left->size + right->size);
  right->size = 0;
  counts[left_slot] += counts[left_slot + 1];
  release(right);
  closeSlots(left_slot + 1, 1);
}

PackedList ChunkTree::Node::remove(Node*& ref, size_t position) {
  Node* const node = own(ref);
  const size_t slot = node->slotOf(position);
  if (node->level == 0) {
    PackedList chunk = std::move(node->slots[slot].chunk);
    node->destroySlot(slot);
    node->closeSlots(slot, 1);
    return chunk;
  }
  PackedList chunk = remove(node->slots[slot].node, position);
  node->counts[slot] -= chunk.count();
  if (node->slots[slot].node->size == 0) {
    node->destroySlot(slot);
    node->closeSlots(slot, 1);
  } else {
    node->joinThin(slot);
  }
  return chunk;
}

size_t ChunkTree::Node::dropEnd(Node*& ref, size_t elements, bool front) {
  Node* const node = own(ref);
  size_t dropped = 0;
  size_t slots_dropped = 0;
  const auto endSlot = [&] { return front ? slots_dropped : node->size - slots_dropped - 1; };
  while (slots_dropped < node->size && node->counts[endSlot()] <= elements - dropped) {
    dropped += node->counts[endSlot()];
    node->destroySlot(endSlot());
    ++slots_dropped;
  }
  node->closeSlots(front ? 0 : node->size - slots_dropped, slots_dropped);
  if (node->size > 0 && node->level > 0 && dropped < elements) {
    const size_t slot = front ? 0 : node->size - 1;
    const size_t below = dropEnd(node->slots[slot].node, elements - dropped, front);
    node->counts[slot] -= below;
    dropped += below;
    node->joinThin(slot);
  }
  return dropped;
}

bool ChunkTree::Node::dropSome(Node* node, size_t& budget) {
  while (node->size > 0 && budget > 0) {
    const size_t last = node->size - 1;
    const bool whole = node->level == 0 || node->slots[last].node->isShared();
    if (!whole && !dropSome(node->slots[last].node, budget)) return false;
    if (whole) --budget;
    node->destroySlot(last);
    node->size = static_cast<uint16_t>(last);
  }
  return node->size == 0;
}

void ChunkTree::Node::addExtent(Extent& extent) const {
  extent.node_bytes += sizeof(Node);
  if (level == 0) {
    extent.chunks += size;
    return;
  }
  for (size_t i = 0; i < size; ++i) slots[i].node->addExtent(extent);
}

size_t ChunkTree::Node::check() const {
  assert(size > 0 && size <= kFanout && refs > 0 && level < kMaxHeight);
  for (size_t i = 0; i < size; ++i) {
    if (level > 0) {
      assert(slots[i].node->level + 1 == level);
      assert(slots[i].node->check() == counts[i]);
    } else {
      assert(!slots[i].chunk.empty() && slots[i].chunk.count() == counts[i]);
      slots[i].chunk.checkInvariants();
    }
  }
  return total();
}

ChunkTree::ChunkTree(const ChunkTree& other) noexcept : root_(other.root_), count_(other.count_) {
  if (root_ != nullptr) root_->refs.fetch_add(1, std::memory_order_relaxed);
}

ChunkTree::~ChunkTree() {
  if (root_ != nullptr) Node::release(root_);
}

ChunkTree::Extent ChunkTree::extent() const {
  Extent extent;
  if (root_ != nullptr) root_->addExtent(extent);
  return extent;
}

ChunkTree::Place ChunkTree::chunkAt(size_t position) const {
  assert(position < count_);
  size_t index = position;
  const Node* node = root_;
  while (node->level > 0) node = node->slots[node->slotOf(index)].node;
  const size_t slot = node->slotOf(index);
  return {&node->slots[slot].chunk, position - index};
}

size_t ChunkTree::open(size_t position, Path& path) {
  assert(position < count_);
  for (Node** ref = &root_;;) {
    Node* const node = Node::own(*ref);
    const size_t slot = node->slotOf(position);
    path.steps[path.length++] = {node, slot};
    if (node->level == 0) {
      path.chunk = &node->slots[slot].chunk;
      return position;
    }
    ref = &node->slots[slot].node;
  }
}

void ChunkTree::close(const Path& path, size_t added) {
  assert(!path.chunk->empty());
  for (size_t i = 0; i < path.length; ++i) path.steps[i].first->counts[path.steps[i].second] += added;
  count_ += added;
}

void ChunkTree::insertChunk(size_t position, PackedList chunk) {
  assert(!chunk.empty() && position <= count_);
  if (root_ == nullptr) root_ = Node::make(0);
  count_ += chunk.count();
  Node* const right = Node::insert(root_, position, chunk);
  if (right == nullptr) return;
  Node* const top = Node::make(root_->level + 1u);
  top->size = 2;
  top->counts[0] = root_->total();
  top->counts[1] = right->total();
  top->slots[0].node = root_;
  top->slots[1].node = right;
  root_ = top;
}

PackedList ChunkTree::removeChunk(size_t position) {
  assert(position < count_);
  PackedList chunk = Node::remove(root_, position);
  count_ -= chunk.count();
  collapseRoot();
  return chunk;
}

size_t ChunkTree::dropEnd(size_t elements, bool front) {
  if (root_ == nullptr) return 0;
  const size_t dropped = Node::dropEnd(root_, elements, front);
  count_ -= dropped;
  collapseRoot();
  return dropped;
}

void ChunkTree::collapseRoot() {
  while (root_ != nullptr && (root_->size == 0 || (root_->size == 1 && root_->level > 0))) {
    Node* const old = Node::own(root_);
    root_ = old->size == 0 ? nullptr : old->slots[0].node;
    old->size = 0;
    Node::release(old);
  }
}

bool ChunkTree::dropSome(size_t& budget) {
  if (root_ == nullptr) return true;
  if (!root_->isShared() && !Node::dropSome(root_, budget)) return false;
  Node::release(root_);
  root_ = nullptr;
  count_ = 0;
  return true;
}

void ChunkTree::checkInvariants() const {
  assert((root_ == nullptr) == (count_ == 0));
  if (root_ != nullptr) assert(root_->check() == count_);
}

}  // namespace vigil::ds
