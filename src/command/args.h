// Reads a command's arguments from left to right, with Redis's rules and error texts for what is wrong with them.
//
//   ArgCursor args(context, 3);             // SET key value | [NX] [EX seconds]
//   while (!args.done()) {
//     if (args.take("NX")) {
//       onlyIfAbsent = true;
//     } else if (args.take("EX", 1)) {      // only if one more argument follows
//       seconds = args.next();
//     } else {
//       return args.syntaxError();
//     }
//   }
//
// What reads a value writes the error reply itself and returns nullopt (or false): the handler just returns. Lives on
// the stack of one execution; views the arguments, owns nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "command/context.h"

namespace vigil::command {

class ArgCursor {
 public:
  ArgCursor(Args args, Reply& reply, size_t first) : args_(args), reply_(&reply), at_(first) {}
  ArgCursor(Context& context, size_t first) : ArgCursor(context.args(), context.reply(), first) {}

  bool done() const { return at_ >= args_.size(); }
  size_t left() const { return done() ? 0 : args_.size() - at_; }
  size_t position() const { return at_; }               // index in args() of what next() would return
  std::string_view peek() const { return args_[at_]; }  // not when done()
  std::string_view next() { return args_[at_++]; }      // not when done()
  void skip(size_t count) { at_ += count; }

  // True, and past it, if the next argument is this word (in any case) and at least `values` more follow it.
  bool take(std::string_view keyword, size_t values = 0);

  // The next argument (a missing one is a syntax error) as a number.
  std::optional<int64_t> integer();             // any 64-bit integer
  std::optional<int64_t> integerNotNegative();  // 0…: "… must be positive"
  std::optional<int64_t> integerIn(int64_t least, int64_t greatest, std::string_view outOfRange = {});
  // The same where one text serves for no number and for one out of range ("ERR numkeys should be greater than 0").
  std::optional<int64_t> integerOr(std::string_view error, int64_t least = INT64_MIN, int64_t greatest = INT64_MAX);
  std::optional<double> number();
  // Seconds, with a fraction, of a blocking command; in microseconds, 0 for ever. Rounded up to milliseconds.
  std::optional<int64_t> timeoutUs(UnixMs now);

  // Nothing may follow: else a syntax error and false.
  bool finish();

  // Writes the error and returns false, for `return args.syntaxError();` in functions that return bool.
  bool syntaxError() { return fail("ERR syntax error"); }
  bool fail(std::string_view error) {
    reply_->error(error);
    return false;
  }

 private:
  std::optional<int64_t> parse(std::string_view error);

  Args args_;
  Reply* reply_;
  size_t at_;
};

// How a time to live is given.
enum class ExpireForm : uint8_t { kSeconds, kMilliseconds, kUnixSeconds, kUnixMilliseconds };

// The moment that `text` gives: an error reply and nullopt if it is no integer or overflows. Without `allowPast`, as in
// SET, also if it is not positive; with it, as in EXPIRE, the moment may lie in the past or before 1970.
std::optional<UnixMs> parseExpire(Context& context, std::string_view text, ExpireForm form, bool allowPast);

}  // namespace vigil::command
