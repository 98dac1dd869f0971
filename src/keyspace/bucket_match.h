// Which slots of a bucket may hold a key, by the part of its hash that they carry: all of them in one look, without a
// branch for each.
#pragma once

#include <cstdint>

#include "keyspace/bucket_array.h"

// ThreadSanitizer takes a look at a bucket in the midst of a change (Table::prefetchEntry) for a race, unless it is made
// of atomic loads.
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define VIGIL_MATCH_WITH_SSE2
#include <emmintrin.h>
#endif

namespace vigil::keyspace {

// Bit i: slot i carries this tag, the upper 15 bits of its word. So does an empty slot if the tag is 0.
inline uint32_t slotsWithTag(Bucket& bucket, uint64_t tag) {
  constexpr uint32_t kAll = (1U << Bucket::kSlots) - 1;
#ifdef VIGIL_MATCH_WITH_SSE2
  constexpr int kUpperHalves = 0xdd;  // the words 1 and 3 of each of two vectors
  constexpr int kTagShift = Bucket::kTagShift - 32;
  const auto* words = reinterpret_cast<const float*>(&bucket);
  const __m128i wanted = _mm_set1_epi32(static_cast<int>(tag));
  const auto four = [&](const float* at) {
    const __m128i upper = _mm_castps_si128(_mm_shuffle_ps(_mm_load_ps(at), _mm_load_ps(at + 4), kUpperHalves));
    return static_cast<uint32_t>(
        _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(_mm_srli_epi32(upper, kTagShift), wanted))));
  };
  return (four(words) | four(words + 8) << 4) & kAll;
#else
  uint32_t found = 0;
  for (int i = 0; i < Bucket::kSlots; ++i) {
    found |= static_cast<uint32_t>(peekSlot(bucket.slots[i]) >> Bucket::kTagShift == tag) << i;
  }
  return found & kAll;
#endif
}

}  // namespace vigil::keyspace
