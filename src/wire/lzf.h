// LZF compression as the RDB uses it. Pure functions, thread safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vigil::wire {

// Compresses `text` into `into`, whose size says at most how long the result may be. Returns the compressed size, or 0
// when it does not fit (then it is stored as it stands).
size_t lzfCompress(std::string_view text, std::span<char> into);

// Decompresses into exactly into.size() bytes; anything else is an error.
Status lzfDecompress(std::string_view compressed, std::span<char> into);

// The most that `compressed` bytes can become: a length sent by a peer is checked against it before memory is taken.
size_t lzfMaxDecompressedSize(size_t compressed);

}  // namespace vigil::wire
