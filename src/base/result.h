// What may fail in normal life returns Result<T> or Status; what may not is asserted.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace vigil {

// An expected failure, with a message for its reader: what happened, which value, what to do.
struct Error {
  std::string message;
  int code = 0;  // an errno value where the operating system gave one, else 0
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(std::string message, int code = 0) {
  return std::unexpected<Error>(Error{std::move(message), code});
}

}  // namespace vigil
