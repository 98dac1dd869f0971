// Takes a snapshot's transfer apart, as a replica receives it after +FULLRESYNC:
//
//   \n…                       line ends, while the master prepares: they keep the link alive
//   $<length>\r\n <payload>   a transfer from disk
//   $EOF:<40 bytes>\r\n <payload> <the same 40 bytes>     a transfer straight from memory, of no known length
//
// What follows the payload belongs to the master's stream. Pure; not thread safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vigil::replication {

class TransferReader {
 public:
  using Payload = std::function<void(std::string_view)>;

  // Takes `bytes`; hands the payload's pieces to `payload` (views of `bytes`, or of the reader). Returns how many bytes
  // were taken: all, but for what stands behind the payload's end.
  Result<size_t> feed(std::string_view bytes, const Payload& payload);

  bool begun() const { return begun_; }  // the header came
  bool complete() const { return complete_; }
  int64_t length() const { return length_; }  // of the payload, -1: up to a mark
  int64_t received() const { return received_; }

 private:
  Result<size_t> header(std::string_view bytes);
  Status headerComplete();
  size_t counted(std::string_view bytes, const Payload& payload);
  size_t marked(std::string_view bytes, const Payload& payload);

  static constexpr size_t kMark = 40;
  bool begun_ = false;
  bool complete_ = false;
  std::string line_;  // the header so far
  std::string mark_;
  std::string held_;  // the last bytes received, which may be the beginning of the mark
  int64_t length_ = -1;
  int64_t received_ = 0;
};

}  // namespace vigil::replication
