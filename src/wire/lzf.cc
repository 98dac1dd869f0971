#include "wire/lzf.h"

#include <liblzf/lzf.h>

#include <algorithm>
#include <limits>

namespace vigil::wire {
namespace {

constexpr size_t kMaxSize = std::numeric_limits<unsigned>::max();

}  // namespace

size_t lzfCompress(std::string_view text, std::span<char> into) {
  if (text.size() > kMaxSize || into.empty()) return 0;
  const auto room = static_cast<unsigned>(std::min(into.size(), kMaxSize));
  return lzf_compress(text.data(), static_cast<unsigned>(text.size()), into.data(), room);
}

Status lzfDecompress(std::string_view compressed, std::span<char> into) {
  if (compressed.empty() || into.empty() || compressed.size() > kMaxSize || into.size() > kMaxSize) {
    return fail("LZF compressed string of invalid size");
  }
  const unsigned size = lzf_decompress(compressed.data(), static_cast<unsigned>(compressed.size()), into.data(),
                                       static_cast<unsigned>(into.size()));
  if (size != into.size()) return fail("Invalid LZF compressed string");
  return {};
}

// A back reference of three bytes stands for at most 264.
size_t lzfMaxDecompressedSize(size_t compressed) { return (compressed / 3 + 1) * 264 + 32; }

}  // namespace vigil::wire
