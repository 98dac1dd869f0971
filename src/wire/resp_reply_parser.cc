#include "wire/resp_reply_parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/listpack_entry.h"

namespace vigil::wire {
namespace {

using Kind = RespValue::Kind;

constexpr size_t kMaxLine = 64 * 1024;
constexpr size_t kVerbatimPrefix = 4;  // "txt:"

bool isBulkType(char type) { return type == '$' || type == '!' || type == '='; }
bool isAggregateType(char type) { return type == '*' || type == '%' || type == '~' || type == '>' || type == '|'; }

Kind aggregateKind(char type) {
  switch (type) {
    case '%':
    case '|':
      return Kind::kMap;
    case '~':
      return Kind::kSet;
    case '>':
      return Kind::kPush;
    default:
      return Kind::kArray;
  }
}

RespValue ofText(Kind kind, std::string_view text) {
  RespValue value;
  value.kind = kind;
  value.text = text;
  return value;
}

RespValue ofInteger(Kind kind, int64_t integer) {
  RespValue value;
  value.kind = kind;
  value.integer = integer;
  return value;
}

std::optional<double> parseDouble(std::string_view text) {
  if (text == "inf" || text == "+inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

ReplyParser::Outcome ReplyParser::feed(std::string_view unread, size_t& consumed) {
  const char* const begin = unread.data();
  consumed = 0;
  for (;;) {
    if (stack_.empty()) unread.remove_prefix(std::min(unread.find_first_not_of("\r\n"), unread.size()));
    const Step step = element(unread);
    consumed = static_cast<size_t>(unread.data() - begin);
    switch (step) {
      case Step::kElement:
        continue;
      case Step::kReply:
        elements_ = bytes_ = 0;
        return Outcome::kComplete;
      case Step::kNeedMore:
        return Outcome::kNeedMore;
      case Step::kError:
        return Outcome::kProtocolError;
    }
  }
}

// Takes one element from the front of `unread`: a scalar, or the head of an aggregate.
ReplyParser::Step ReplyParser::element(std::string_view& unread) {
  const size_t stop = unread.substr(0, kMaxLine + 1).find('\r');
  if (stop == std::string_view::npos) {
    return unread.size() > kMaxLine ? protocolError("too long a line in a reply") : Step::kNeedMore;
  }
  if (stop + 1 == unread.size()) return Step::kNeedMore;
  if (stop == 0 || unread[stop + 1] != '\n') return protocolError("a line of a reply does not end in CRLF");
  const char type = unread[0];
  const std::string_view line = unread.substr(1, stop - 1);
  const std::string_view afterLine = unread.substr(stop + 2);
  if (!isBulkType(type) && !isAggregateType(type)) {
    const Step step = scalar(type, line);
    if (step != Step::kError) unread = afterLine;
    return step;
  }
  const auto length = listpack::canonicalInteger(line);
  if (!length || *length < -1) return protocolError("invalid length in a reply");
  if (isBulkType(type)) return bulk(type, *length, afterLine, unread);
  const Step step = aggregate(type, *length);
  if (step != Step::kError) unread = afterLine;
  return step;
}

ReplyParser::Step ReplyParser::bulk(char type, int64_t length, std::string_view afterLine, std::string_view& unread) {
  if (length < 0) {
    unread = afterLine;
    return add({});
  }
  const auto size = static_cast<uint64_t>(length);
  if (size > limits_.maxBulk || bytes_ + size > limits_.maxBytes) return protocolError("a bulk string of a reply is too long");
  if (afterLine.size() < size + 2) return Step::kNeedMore;
  if (afterLine.substr(size, 2) != "\r\n") return protocolError("a bulk string of a reply does not end in CRLF");
  std::string_view text = afterLine.substr(0, size);
  unread = afterLine.substr(size + 2);
  if (type == '!') return add(ofText(Kind::kError, text));
  if (type == '$') return add(ofText(Kind::kBulk, text));
  if (size < kVerbatimPrefix) return protocolError("a verbatim string of a reply has no format");
  return add(ofText(Kind::kVerbatim, text.substr(kVerbatimPrefix)));
}

ReplyParser::Step ReplyParser::aggregate(char type, int64_t count) {
  if (count < 0) return add({});
  const auto items = static_cast<uint64_t>(count);
  if (items > limits_.maxElements) return protocolError("a reply has too many elements");
  if (stack_.size() >= limits_.maxDepth) return protocolError("a reply is nested too deeply");
  Frame frame;
  frame.value.kind = aggregateKind(type);
  frame.left = frame.value.kind == Kind::kMap ? items * 2 : items;
  frame.discarded = type == '|';
  if (frame.left == 0) return frame.discarded ? Step::kElement : add(std::move(frame.value));
  if (++elements_ > limits_.maxElements) return protocolError("a reply has too many elements");
  stack_.push_back(std::move(frame));
  return Step::kElement;
}

ReplyParser::Step ReplyParser::scalar(char type, std::string_view line) {
  switch (type) {
    case '+':
      return add(ofText(Kind::kSimple, line));
    case '-':
      return add(ofText(Kind::kError, line));
    case '(':
      return add(ofText(Kind::kBigNumber, line));
    case '_':
      return add({});
    case ':': {
      const auto integer = listpack::canonicalInteger(line.starts_with('+') ? line.substr(1) : line);
      if (!integer) return protocolError("invalid integer in a reply");
      return add(ofInteger(Kind::kInteger, *integer));
    }
    case '#':
      if (line != "t" && line != "f") return protocolError("invalid boolean in a reply");
      return add(ofInteger(Kind::kBool, line == "t" ? 1 : 0));
    case ',': {
      const auto number = parseDouble(line);
      if (!number) return protocolError("invalid double in a reply");
      RespValue value = ofText(Kind::kDouble, line);
      value.number = *number;
      return add(std::move(value));
    }
    default: {
      const char shown = type >= ' ' && type <= '~' ? type : '?';
      return protocolError(std::string("a reply begins with '") + shown + "'");
    }
  }
}

// Puts a whole value where it belongs; closes every aggregate that it completes.
ReplyParser::Step ReplyParser::add(RespValue value) {
  if (++elements_ > limits_.maxElements) return protocolError("a reply has too many elements");
  bytes_ += value.text.size();
  if (bytes_ > limits_.maxBytes) return protocolError("a reply is too long");
  while (!stack_.empty()) {
    Frame& top = stack_.back();
    if (!top.discarded) top.value.items.push_back(std::move(value));
    if (--top.left > 0) return Step::kElement;
    const bool discarded = top.discarded;
    value = std::move(top.value);
    stack_.pop_back();
    if (discarded) return Step::kElement;
  }
  value_ = std::move(value);
  return Step::kReply;
}

ReplyParser::Step ReplyParser::protocolError(std::string what) {
  error_ = "Protocol error: " + std::move(what);
  return Step::kError;
}

}  // namespace vigil::wire
