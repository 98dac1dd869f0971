#include "command/reply.h"

#include <cassert>

#include "base/text.h"

namespace vigil::command {

namespace {

// From this size on a value is referenced: one more piece for the kernel costs less than copying it.
constexpr size_t kReferencedFrom = 16 * 1024;

constexpr size_t kLongestErrorCode = 30;  // a first word that is longer is none

}  // namespace

void Reply::simple(std::string_view text) {
  out_->append('+');
  out_->append(text);
  out_->append("\r\n");
}

std::string Reply::lastErrorCode() const {
  const size_t space = std::string_view(lastError_).substr(0, kLongestErrorCode + 1).find(' ');
  return space == std::string::npos ? "ERR" : lastError_.substr(0, space);
}

void Reply::error(std::string_view text) {
  ++errors_;
  lastError_ = text;
  char* at = out_->reserve(text.size() + 3);
  *at++ = '-';
  for (char c : text) *at++ = c == '\r' || c == '\n' ? ' ' : c;
  *at++ = '\r';
  *at = '\n';
  out_->advance(text.size() + 3);
}

void Reply::bulk(int64_t value) {
  char digits[kMaxDecimal];
  bulk({digits, putDecimal(digits, value)});
}

void Reply::bulkShared(const ds::SharedBuffer& bytes) {
  if (bytes.size() < kReferencedFrom) {
    bulk(bytes.view());
    return;
  }
  header('$', static_cast<int64_t>(bytes.size()));
  out_->appendShared(bytes);
  out_->append("\r\n");
}

void Reply::null() { out_->append(protocol_ == 3 ? "_\r\n" : "$-1\r\n"); }

void Reply::nullArray() { out_->append(protocol_ == 3 ? "_\r\n" : "*-1\r\n"); }

void Reply::boolean(bool value) {
  if (protocol_ == 3) {
    out_->append(value ? "#t\r\n" : "#f\r\n");
  } else {
    integer(value ? 1 : 0);
  }
}

void Reply::number(double value) {
  const std::string text = formatDouble(value);
  if (protocol_ == 3) {
    out_->append(',');
    out_->append(text);
    out_->append("\r\n");
  } else {
    bulk(text);
  }
}

void Reply::longDouble(long double value) { bulk(formatLongDouble(value)); }

void Reply::bigNumber(std::string_view digits) {
  if (protocol_ == 3) {
    out_->append('(');
    out_->append(digits);
    out_->append("\r\n");
  } else {
    bulk(digits);
  }
}

void Reply::verbatim(std::string_view format, std::string_view text) {
  assert(format.size() == 3);
  if (protocol_ != 3) {
    bulk(text);
    return;
  }
  header('=', static_cast<int64_t>(text.size() + 4));
  out_->append(format);
  out_->append(':');
  out_->append(text);
  out_->append("\r\n");
}

void Reply::array(size_t count) { header('*', static_cast<int64_t>(count)); }

void Reply::map(size_t pairs) { header(aggregateType('%'), static_cast<int64_t>(protocol_ == 3 ? pairs : pairs * 2)); }

void Reply::set(size_t count) { header(aggregateType('~'), static_cast<int64_t>(count)); }

void Reply::push(size_t count) { header(aggregateType('>'), static_cast<int64_t>(count)); }

void Reply::attribute(size_t pairs) {
  assert(protocol_ == 3);
  header('|', static_cast<int64_t>(pairs));
}

void Reply::headerAt(size_t mark, char type, size_t count) {
  char text[kHeaderSize];
  const char* end = putHeader(text, type, static_cast<int64_t>(count));
  out_->insert(mark, {text, static_cast<size_t>(end - text)});
}

void Reply::arrayAt(size_t mark, size_t count) { headerAt(mark, '*', count); }

void Reply::mapAt(size_t mark, size_t pairs) { headerAt(mark, aggregateType('%'), protocol_ == 3 ? pairs : pairs * 2); }

void Reply::setAt(size_t mark, size_t count) { headerAt(mark, aggregateType('~'), count); }

}  // namespace vigil::command
