#include "persistence/select_scanner.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace vigil::persistence {

void SelectScanner::feed(std::string_view records) {
  const char* p = records.data();
  const char* const end = p + records.size();
  while (p < end) {
    if (at_ == At::kArgument) {
      const auto take = static_cast<size_t>(std::min<uint64_t>(skip_, static_cast<uint64_t>(end - p)));
      const size_t keep = std::min(take, sizeof text_ - textSize_);
      if (first_ || mayBeSelect_) {
        std::memcpy(text_ + textSize_, p, keep);
        textSize_ += keep;
      }
      p += take;
      skip_ -= take;
      if (skip_ == 0) onArgument();
    } else if (char c = *p++; c >= '0' && c <= '9') {
      number_ = number_ * 10 + static_cast<uint64_t>(c - '0');
    } else if (c == '\n') {
      onNumber();
    }
  }
}

void SelectScanner::onNumber() {
  if (at_ == At::kCount) {
    arguments_ = number_;
    first_ = true;
    mayBeSelect_ = false;
    if (arguments_ > 0) at_ = At::kLength;
  } else {
    skip_ = number_ + 2;
    textSize_ = 0;
    at_ = At::kArgument;
  }
  number_ = 0;
}

void SelectScanner::onArgument() {
  // With its line end, as far as it was kept.
  std::string_view text(text_, textSize_);
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  if (mayBeSelect_ && !first_) db_ = static_cast<int>(parseInt64(text).value_or(db_));
  mayBeSelect_ = first_ && arguments_ == 2 && equalsIgnoreCase(text, "SELECT");
  first_ = false;
  at_ = --arguments_ == 0 ? At::kCount : At::kLength;
}

}  // namespace vigil::persistence
