// The middle of a long list: a counted B+-tree whose leaves are chunks, addressed by the position of an element.
//
//   root     | 1800 | 2100 |               each slot: how many elements are below it
//              |       '--------.
//   nodes   | 900 | 900 |  | 700 | 1400 |
//             |     |         |     |
//   chunks  [...] [...]     [...] [...]    PackedList handles
//
// Thread safety: as a std::string; copies share nodes and chunks, whose counts are atomic, and may be used in different
// threads. Copying costs O(1). A writer copies the shared nodes on its path, at most one per level.
//
// Invariants: no node and no chunk is empty; a node's counts are those of its children; all chunks are equally deep. A
// thin node is joined with a neighbour when the two have room to spare, so depth stays logarithmic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "ds/packed_list.h"

namespace vigil::ds {

class ChunkTree {
 public:
  ChunkTree() noexcept = default;
  ChunkTree(const ChunkTree& other) noexcept;
  ChunkTree(ChunkTree&& other) noexcept
      : root_(std::exchange(other.root_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  ChunkTree& operator=(ChunkTree other) noexcept {
    std::swap(root_, other.root_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~ChunkTree();

  // Elements.
  size_t count() const { return count_; }
  bool empty() const { return root_ == nullptr; }
  // Chunks and nodes; walks over the nodes.
  struct Extent {
    size_t chunks = 0;
    size_t node_bytes = 0;
  };
  Extent extent() const;

  // The chunk that holds the element at `position` < count(), and the position of its first element.
  struct Place {
    const PackedList* chunk;
    size_t first;
  };
  Place chunkAt(size_t position) const;

  // Lets edit(chunk, index in it) change the chunk that holds this element; must leave it not empty.
  template <typename Edit>
  void edit(size_t position, Edit edit) {
    Path path;
    const size_t index = open(position, path);
    PackedList& chunk = *path.chunk;
    const size_t before = chunk.count();
    edit(chunk, index);
    close(path, chunk.count() - before);
  }

  // Puts a chunk, not empty, where one begins or the last one ends.
  void insertChunk(size_t position, PackedList chunk);
  void pushFront(PackedList chunk) { insertChunk(0, std::move(chunk)); }
  void pushBack(PackedList chunk) { insertChunk(count_, std::move(chunk)); }
  // Takes out the chunk that holds this element.
  PackedList removeChunk(size_t position);
  PackedList takeFront() { return removeChunk(0); }
  PackedList takeBack() { return removeChunk(count_ - 1); }

  // Drop the chunks that lie wholly within the first (last) so many elements; return the number of elements dropped.
  size_t dropFront(size_t elements) { return dropEnd(elements, true); }
  size_t dropBack(size_t elements) { return dropEnd(elements, false); }

  // Frees chunks that nobody else holds, about `budget` of them, and counts it down; true when none is left. Between
  // calls the tree may only be destroyed.
  bool dropSome(size_t& budget);

  void checkInvariants() const;

 private:
  struct Node;
  static constexpr size_t kMaxHeight = 12;

  // The way to a chunk, each node on it owned by this tree alone.
  struct Path {
    std::array<std::pair<Node*, size_t>, kMaxHeight> steps;
    size_t length = 0;
    PackedList* chunk = nullptr;
  };

  size_t open(size_t position, Path& path);
  void close(const Path& path, size_t added);  // `added` may be negative, modulo 2^64
  size_t dropEnd(size_t elements, bool front);
  void collapseRoot();

  Node* root_ = nullptr;
  size_t count_ = 0;
};

}  // namespace vigil::ds
