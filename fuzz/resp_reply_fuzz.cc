// Replies: any split of the input gives the same values and the same error.
#include "pieces.h"
#include "wire/resp_reply_parser.h"

namespace {

using vigil::wire::ReplyParser;
using vigil::wire::RespValue;

void show(const RespValue& value, std::string& out) {
  out += std::to_string(static_cast<int>(value.kind)) + ":" + std::to_string(value.integer) + value.text;
  for (const RespValue& item : value.items) {
    out += '(';
    show(item, out);
    out += ')';
  }
}

std::string parse(const std::string& stream, size_t piece) {
  ReplyParser parser({.maxDepth = 8, .maxElements = 1000, .maxBulk = 4096});
  std::string seen;
  std::string buffer;
  for (size_t at = 0; at < stream.size(); at += piece) {
    buffer = std::string(buffer) + stream.substr(at, piece);
    for (;;) {
      size_t consumed = 0;
      const auto outcome = parser.feed(buffer, consumed);
      buffer.erase(0, consumed);
      if (outcome == ReplyParser::Outcome::kProtocolError) return seen + parser.error();
      if (outcome == ReplyParser::Outcome::kNeedMore) break;
      show(parser.value(), seen);
      seen += ';';
    }
  }
  return seen + "+" + std::to_string(buffer.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = vigil::fuzz::splitInput(data, size);
  vigil::fuzz::expectSame(parse(input.bytes, input.bytes.size() + 1), parse(input.bytes, input.piece));
  return 0;
}
