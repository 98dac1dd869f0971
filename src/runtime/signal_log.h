// Text from a signal handler to the log: nothing here allocates, locks, or calls what may.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vigil::runtime {

class SignalLog {
 public:
  // `path`: of the log file; empty: standard output. Opened here, closed by the destructor.
  explicit SignalLog(const char* path);
  ~SignalLog();
  SignalLog(const SignalLog&) = delete;
  SignalLog& operator=(const SignalLog&) = delete;

  SignalLog& text(std::string_view bytes);
  SignalLog& quoted(std::string_view bytes);  // what is not printable as \xNN
  SignalLog& number(int64_t value);
  SignalLog& hex(uint64_t value, int digits);  // at least so many digits
  SignalLog& head();                           // "123:signal-handler (1700000000) "
  // The symbols of these addresses, one a line, as backtrace_symbols() writes them.
  SignalLog& symbols(void* const* addresses, int count);
  // Where the calling thread stands. `skip`: so many of the innermost frames are not shown.
  SignalLog& backtrace(int skip);
  void flush();
  int descriptor() const { return descriptor_; }

 private:
  std::array<char, 512> buffer_;
  size_t used_ = 0;
  int descriptor_;
  bool opened_;
};

}  // namespace vigil::runtime
