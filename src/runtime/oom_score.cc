#include "runtime/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "base/log_line.h"

namespace vigil::runtime {

namespace {

constexpr char kPath[] = "/proc/self/oom_score_adj";

std::optional<int64_t> readScore() {
  std::ifstream file(kPath);
  int64_t score = 0;
  if (!(file >> score)) return std::nullopt;
  return score;
}

// 0 or the errno value.
int writeScore(int64_t score) {
  const int file = open(kPath, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const std::string text = std::to_string(score);
  const int error = write(file, text.data(), text.size()) < 0 ? errno : 0;
  close(file);
  return error;
}

}  // namespace

Status OomScore::set(Mode mode, int64_t value) {
  MutexLock guard(mutex_);
  if (mode == Mode::kNo && !changed_) return {};
  if (!original_) {
    original_ = readScore();
    if (!original_) {
      log_.warning(std::string("Unable to read oom_score_adj: ") + std::strerror(errno));
      return fail("oom_score_adj");
    }
  }
  const int64_t wanted = mode == Mode::kNo ? *original_ : mode == Mode::kRelative ? *original_ + value : value;
  constexpr int64_t kLowest = -1000, kHighest = 1000;
  if (const int error = writeScore(std::clamp(wanted, kLowest, kHighest)); error != 0) {
    log_.warning(std::string("Unable to write oom_score_adj: ") + std::strerror(error));
    return fail("oom_score_adj");
  }
  changed_ = mode != Mode::kNo;
  return {};
}

}  // namespace vigil::runtime
