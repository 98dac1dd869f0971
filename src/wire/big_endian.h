// Numbers in network order, appended to a string, written into one, and read with bounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vigil::wire {

template <typename Integer>
void appendBigEndian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift & 0xff);
  }
}

// Reads fields from left to right. What lies behind the end reads as zero or empty, and ok() says so.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return bytes_.size(); }

  std::string_view take(size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view field = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return field;
  }
  template <typename Integer>
  Integer number() {
    Integer value = 0;
    for (char c : take(sizeof(Integer))) value = static_cast<Integer>(static_cast<uint64_t>(value) << 8 | static_cast<unsigned char>(c));
    return value;
  }
  // A field of fixed size that holds a text ended by a zero byte, or filling it.
  std::string text(size_t size) {
    const std::string_view field = take(size);
    return std::string(field.substr(0, field.find('\0')));
  }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace vigil::wire
