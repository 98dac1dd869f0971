// Which database a stream of commands has selected: fed with the stream's bytes, in any pieces.
// Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vigil::persistence {

class SelectScanner {
 public:
  explicit SelectScanner(int db = -1) : db_(db) {}
  // `records`: the next bytes of a log, which holds whole commands as RESP arrays of bulk strings.
  void feed(std::string_view records);
  int db() const { return db_; }

 private:
  enum class At : uint8_t { kCount, kLength, kArgument };

  void onNumber();
  void onArgument();

  int db_;
  At at_ = At::kCount;
  uint64_t number_ = 0;       // being read
  uint64_t arguments_ = 0;    // of this command, still to come
  uint64_t skip_ = 0;         // of the argument and its line end, still to come
  bool first_ = false;        // the argument is the command's name
  bool mayBeSelect_ = false;  // of two arguments, the first is SELECT
  char text_[12];             // the beginning of a short argument
  size_t textSize_ = 0;
};

}  // namespace vigil::persistence
