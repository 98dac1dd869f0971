// Requests: any split of the input gives the same commands and the same error.
#include "pieces.h"
#include "wire/resp_parser.h"

namespace {

using vigil::wire::ParsedCommand;
using vigil::wire::RequestLimits;
using vigil::wire::RequestParser;

std::string parse(const std::string& stream, size_t piece, const RequestLimits& limits) {
  RequestParser parser;
  ParsedCommand command;
  std::string seen;
  std::string buffer;
  for (size_t at = 0; at < stream.size(); at += piece) {
    buffer = std::string(buffer) + stream.substr(at, piece);  // at another address each time
    size_t used = 0;
    for (;;) {
      const std::string_view unread = std::string_view(buffer).substr(used);
      const auto outcome = parser.parse(unread, limits, command);
      if (outcome == RequestParser::Outcome::kProtocolError) return seen + parser.error();
      if (outcome == RequestParser::Outcome::kNeedMore) break;
      for (std::string_view arg : command.args) seen += "[" + std::string(arg) + "]";
      seen += ";";
      used += command.bytes;
    }
    buffer.erase(0, used);
  }
  return seen + "+" + std::to_string(buffer.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = vigil::fuzz::splitInput(data, size);
  const RequestLimits limits{.maxBulk = 4096, .authenticated = input.piece % 2 == 0};
  vigil::fuzz::expectSame(parse(input.bytes, input.bytes.size() + 1, limits), parse(input.bytes, input.piece, limits));
  return 0;
}
