// Replaces operator new and delete for the whole program: mimalloc, and every block counted (base/memory.h) with its
// usable size. Under a sanitizer the blocks come from malloc, so that the sanitizer sees them.
//
// All forms are replaced: mimalloc's library brings its own, uncounted ones, which a form left out would fall back to.
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "base/memory.h"

#if !defined(VIGIL_SANITIZED)
#include <mimalloc.h>
#endif

namespace {

#if defined(VIGIL_SANITIZED)
void* takeBlock(size_t size) { return std::malloc(size); }
void* takeBlock(size_t size, size_t alignment) {
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
size_t sizeOfBlock(void* block) { return malloc_usable_size(block); }
void giveBlock(void* block) { std::free(block); }
#else
void* takeBlock(size_t size) { return mi_malloc(size); }
void* takeBlock(size_t size, size_t alignment) { return mi_malloc_aligned(size, alignment); }
size_t sizeOfBlock(void* block) { return mi_usable_size(block); }
void giveBlock(void* block) { mi_free(block); }
#endif

template <typename... Alignment>
inline void* allocateOrNull(size_t size, Alignment... alignment) noexcept {
  void* block = takeBlock(size, alignment...);
  if (block != nullptr) [[likely]]
    vigil::countMemory(static_cast<int64_t>(sizeOfBlock(block)));
  return block;
}

template <typename... Alignment>
inline void* allocate(size_t size, Alignment... alignment) {
  void* block = allocateOrNull(size, alignment...);
  if (block == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return block;
}

inline void release(void* block) noexcept {
  if (block == nullptr) return;
  vigil::countMemory(-static_cast<int64_t>(sizeOfBlock(block)));
  giveBlock(block);
}

inline size_t bytes(std::align_val_t alignment) { return static_cast<size_t>(alignment); }

}  // namespace

// What the linker is told to look for, so that it takes this file (CMakeLists.txt).
extern "C" void vigilCountedAllocator() {}

void* operator new(size_t n) { return allocate(n); }
void* operator new[](size_t n) { return allocate(n); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return allocateOrNull(n); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept { return allocateOrNull(n); }
void* operator new(size_t n, std::align_val_t a) { return allocate(n, bytes(a)); }
void* operator new[](size_t n, std::align_val_t a) { return allocate(n, bytes(a)); }
void* operator new(size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return allocateOrNull(n, bytes(a)); }
void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocateOrNull(n, bytes(a));
}

void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, size_t) noexcept { release(p); }
void operator delete[](void* p, size_t) noexcept { release(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { release(p); }
void operator delete(void* p, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { release(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { release(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { release(p); }
