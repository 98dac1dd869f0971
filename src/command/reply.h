// The reply sink of command handlers: RESP2 or RESP3 as the client negotiated, encoded straight into its buffer.
//
// A handler writes exactly one reply (an aggregate header followed by its elements counts as one). Where RESP2 has no
// such type, the RESP3 forms fall back as in Redis: maps to flat arrays, sets and pushes to arrays, null to $-1 (or
// *-1), booleans to 0/1, doubles and big numbers to bulk strings, verbatim strings to bulk strings.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/decimal.h"
#include "command/output_buffer.h"

namespace vigil::command {

class Reply {
 public:
  Reply(OutputBuffer& out, int protocol) : out_(&out), protocol_(protocol) {}

  int protocol() const { return protocol_; }  // 2 or 3
  void setProtocol(int protocol) { protocol_ = protocol; }

  void ok() { out_->append("+OK\r\n"); }
  void simple(std::string_view text);  // no CR or LF in it
  // `text` begins with its code ("ERR …", "WRONGTYPE …"); CR and LF become blanks. Counted in errorstats.
  void error(std::string_view text);
  void integer(int64_t value) { header(':', value); }
  void bulk(std::string_view bytes) {
    char* const start = out_->reserve(bytes.size() + kHeaderSize + 2);
    char* at = putHeader(start, '$', static_cast<int64_t>(bytes.size()));
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
    *at++ = '\r';
    *at++ = '\n';
    out_->advance(static_cast<size_t>(at - start));
  }
  void bulk(int64_t value);                        // the number's decimal text as a bulk string
  void bulkShared(const ds::SharedBuffer& bytes);  // referenced when large, copied when small
  void null();                                     // $-1 or _
  void nullArray();                                // *-1 or _
  void boolean(bool value);
  void number(double value);           // shortest text that reads back the same; inf, -inf, nan
  void longDouble(long double value);  // INCRBYFLOAT's human form, as a bulk string in both protocols
  void bigNumber(std::string_view digits);
  void verbatim(std::string_view format, std::string_view text);  // format: three letters, "txt"

  void array(size_t count);
  void map(size_t pairs);
  void set(size_t count);
  void push(size_t count);
  void attribute(size_t pairs);  // RESP3 only: the caller checks protocol()
  void emptyArray() { out_->append("*0\r\n"); }

  // For aggregates whose length is known only after their elements: `auto at = mark(); … arrayAt(at, n)`.
  size_t mark() const { return out_->offset(); }
  void arrayAt(size_t mark, size_t count);
  void mapAt(size_t mark, size_t pairs);
  void setAt(size_t mark, size_t count);
  // Takes back all that was written since mark().
  void rollback(size_t mark) { out_->truncate(mark); }

  // The texts that many commands share.
  void wrongType() { error("WRONGTYPE Operation against a key holding the wrong kind of value"); }
  void notInteger() { error("ERR value is not an integer or out of range"); }
  void notFloat() { error("ERR value is not a valid float"); }
  void syntaxError() { error("ERR syntax error"); }
  void noSuchKey() { error("ERR no such key"); }
  void outOfRange() { error("ERR index out of range"); }

  // How many errors were written, and the code of the last ("ERR", "WRONGTYPE"): for statistics and EXEC.
  uint32_t errors() const { return errors_; }
  const std::string& lastError() const { return lastError_; }  // "ERR …", "WRONGTYPE …"
  std::string lastErrorCode() const;

  OutputBuffer& out() { return *out_; }

 private:
  static constexpr size_t kHeaderSize = 24;  // a type byte, the longest int64_t, CR, LF

  // Writes "<type><number>\r\n" at a place with room for kHeaderSize bytes; returns what follows it.
  static char* putHeader(char* at, char type, int64_t number) {
    *at++ = type;
    at = putDecimal(at, number);
    *at++ = '\r';
    *at++ = '\n';
    return at;
  }
  void header(char type, int64_t number) {
    char* const start = out_->reserve(kHeaderSize);
    out_->advance(static_cast<size_t>(putHeader(start, type, number) - start));
  }
  void headerAt(size_t mark, char type, size_t count);
  char aggregateType(char resp3) const { return protocol_ == 3 ? resp3 : '*'; }

  OutputBuffer* out_;
  int protocol_;
  uint32_t errors_ = 0;
  std::string lastError_;
};

}  // namespace vigil::command
