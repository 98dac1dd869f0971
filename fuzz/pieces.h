// What the fuzzers of incremental parsers share: the first byte of an input says in how large pieces the rest arrives,
// and the outcome must not depend on it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace vigil::fuzz {

struct Input {
  size_t piece = 1;
  std::string bytes;
};

inline Input splitInput(const uint8_t* data, size_t size) {
  if (size == 0) return {};
  return {size_t{data[0]} + 1, std::string(reinterpret_cast<const char*>(data) + 1, size - 1)};
}

// Ends the program, which is a finding, when the two differ.
inline void expectSame(const std::string& whole, const std::string& pieces) {
  if (whole == pieces) return;
  std::fprintf(stderr, "whole:  %s\npieces: %s\n", whole.c_str(), pieces.c_str());
  std::abort();
}

}  // namespace vigil::fuzz
