#include "runtime/signal_log.h"

#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>

namespace vigil::runtime {

namespace {
constexpr int kFrames = 100;
}

SignalLog::SignalLog(const char* path) : descriptor_(STDOUT_FILENO), opened_(false) {
  if (*path == '\0') return;
  const int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;
  descriptor_ = file;
  opened_ = true;
}

SignalLog::~SignalLog() {
  flush();
  if (opened_) close(descriptor_);
}

void SignalLog::flush() {
  size_t done = 0;
  while (done < used_) {
    const ssize_t written = write(descriptor_, buffer_.data() + done, used_ - done);
    if (written <= 0) break;
    done += static_cast<size_t>(written);
  }
  used_ = 0;
}

SignalLog& SignalLog::text(std::string_view bytes) {
  while (!bytes.empty()) {
    if (used_ == buffer_.size()) flush();
    const size_t part = std::min(bytes.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, bytes.data(), part);
    used_ += part;
    bytes.remove_prefix(part);
  }
  return *this;
}

SignalLog& SignalLog::quoted(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char byte : bytes) {
    if (byte >= ' ' && byte <= '~') {
      text({&byte, 1});
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    const char escaped[] = {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
    text({escaped, sizeof escaped});
  }
  return *this;
}

SignalLog& SignalLog::number(int64_t value) {
  char digits[20];
  size_t at = sizeof digits;
  auto rest = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) text("-");
  return text({digits + at, sizeof digits - at});
}

SignalLog& SignalLog::hex(uint64_t value, int digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char text16[16];
  int at = 16;
  do {
    text16[--at] = kDigits[value & 15];
    value >>= 4;
  } while (value != 0 || 16 - at < std::min(digits, 16));
  return text({text16 + at, static_cast<size_t>(16 - at)});
}

SignalLog& SignalLog::head() {
  return number(getpid()).text(":signal-handler (").number(static_cast<int64_t>(time(nullptr))).text(") ");
}

SignalLog& SignalLog::symbols(void* const* addresses, int count) {
  flush();
  backtrace_symbols_fd(addresses, count, descriptor_);
  return *this;
}

SignalLog& SignalLog::backtrace(int skip) {
  void* frames[kFrames];
  const int count = ::backtrace(frames, kFrames);
  if (count > skip) symbols(frames + skip, count - skip);
  return *this;
}

}  // namespace vigil::runtime
