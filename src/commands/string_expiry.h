// EX, PX, EXAT, PXAT and what excludes them, as SET and GETEX take them.
#pragma once

#include <optional>
#include <string_view>

#include "base/decimal.h"
#include "base/text.h"
#include "command/args.h"

namespace vigil::commands {

// A number's decimal text, for propagate().
class DecimalText {
 public:
  explicit DecimalText(int64_t value) : size_(static_cast<size_t>(putDecimal(text_, value) - text_)) {}
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[kMaxDecimal];
  size_t size_;
};

class ExpiryOptions {
 public:
  // The word that may stand in place of an expiry: SET's KEEPTTL, GETEX's PERSIST.
  enum class Extra : uint8_t { kKeepTtl, kPersist };
  explicit ExpiryOptions(Extra extra) : extraWord_(extra == Extra::kKeepTtl ? "KEEPTTL" : "PERSIST") {}

  // True if an option of these stood next and none that excludes it was there before. The same one may be repeated: the
  // last one counts.
  bool take(command::ArgCursor& args) {
    using command::ExpireForm;
    if (args.take(extraWord_)) {
      extra_ = true;
      return !hasExpiry_;
    }
    return takeForm(args, "EX", ExpireForm::kSeconds) || takeForm(args, "PX", ExpireForm::kMilliseconds) ||
           takeForm(args, "EXAT", ExpireForm::kUnixSeconds) || takeForm(args, "PXAT", ExpireForm::kUnixMilliseconds);
  }

  bool hasExpiry() const { return hasExpiry_; }
  bool extra() const { return extra_; }
  bool isUnixMilliseconds() const { return form_ == command::ExpireForm::kUnixMilliseconds; }
  // The moment that was given: nullopt, with an error replied, if it is none.
  std::optional<UnixMs> expireAt(command::Context& context) const {
    return command::parseExpire(context, text_, form_, false);
  }

 private:
  bool takeForm(command::ArgCursor& args, std::string_view word, command::ExpireForm form) {
    if (extra_ || (hasExpiry_ && form_ != form) || !args.take(word, 1)) return false;
    hasExpiry_ = true;
    form_ = form;
    text_ = args.next();
    return true;
  }

  std::string_view extraWord_;
  std::string_view text_;
  command::ExpireForm form_ = command::ExpireForm::kSeconds;
  bool hasExpiry_ = false;
  bool extra_ = false;
};

}  // namespace vigil::commands
