#include "command/args.h"

#include <cmath>
#include <string>

#include "base/text.h"
#include "command/spec.h"

namespace vigil::command {

bool ArgCursor::take(std::string_view keyword, size_t values) {
  if (left() <= values || !equalsIgnoreCase(args_[at_], keyword)) return false;
  ++at_;
  return true;
}

std::optional<int64_t> ArgCursor::parse(std::string_view error) {
  if (done()) {
    syntaxError();
    return std::nullopt;
  }
  const auto value = parseInt64(next());
  if (!value) fail(error);
  return value;
}

std::optional<int64_t> ArgCursor::integer() { return parse("ERR value is not an integer or out of range"); }

std::optional<int64_t> ArgCursor::integerNotNegative() {
  return integerIn(0, INT64_MAX, "ERR value is out of range, must be positive");
}

std::optional<int64_t> ArgCursor::integerIn(int64_t least, int64_t greatest, std::string_view outOfRange) {
  const auto value = integer();
  if (!value || (*value >= least && *value <= greatest)) return value;
  if (outOfRange.empty()) {
    fail("ERR value is out of range, value must between " + std::to_string(least) + " and " + std::to_string(greatest));
  } else {
    fail(outOfRange);
  }
  return std::nullopt;
}

std::optional<int64_t> ArgCursor::integerOr(std::string_view error, int64_t least, int64_t greatest) {
  const auto value = parse(error);
  if (!value || (*value >= least && *value <= greatest)) return value;
  fail(error);
  return std::nullopt;
}

std::optional<double> ArgCursor::number() {
  if (done()) {
    syntaxError();
    return std::nullopt;
  }
  const auto value = parseDouble(next());
  if (!value) reply_->notFloat();
  return value;
}

std::optional<int64_t> ArgCursor::timeoutUs(UnixMs now) {
  if (done()) {
    syntaxError();
    return std::nullopt;
  }
  const auto seconds = parseLongDouble(next());
  const char* error = nullptr;
  // Compared as long doubles, which hold every 64-bit integer exactly.
  const long double milliseconds = seconds ? std::ceil(*seconds * 1000) : 0;
  if (!seconds) {
    error = "ERR timeout is not a float or out of range";
  } else if (milliseconds > static_cast<long double>(INT64_MAX)) {
    error = "ERR timeout is out of range";
  } else if (milliseconds < 0) {
    error = "ERR timeout is negative";
  } else if (milliseconds > static_cast<long double>(INT64_MAX - now)) {
    error = "ERR timeout is out of range";
  }
  if (error != nullptr) {
    fail(error);
    return std::nullopt;
  }
  const auto whole = static_cast<int64_t>(milliseconds);
  return whole > INT64_MAX / 1000 ? INT64_MAX : whole * 1000;
}

bool ArgCursor::finish() { return done() || syntaxError(); }

std::optional<UnixMs> parseExpire(Context& context, std::string_view text, ExpireForm form, bool allowPast) {
  const auto given = parseInt64(text);
  if (!given) {
    context.reply().notInteger();
    return std::nullopt;
  }
  const bool inSeconds = form == ExpireForm::kSeconds || form == ExpireForm::kUnixSeconds;
  const bool relative = form == ExpireForm::kSeconds || form == ExpireForm::kMilliseconds;
  UnixMs at = 0;
  const bool overflow = __builtin_mul_overflow(*given, inSeconds ? 1000 : 1, &at) ||
                        __builtin_add_overflow(at, relative ? context.now() : 0, &at);
  if (overflow || (!allowPast && *given <= 0)) {
    context.reply().error("ERR invalid expire time in '" + std::string(context.spec().name) + "' command");
    return std::nullopt;
  }
  return at;
}

}  // namespace vigil::command
