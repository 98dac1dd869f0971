// RDB files: any split of the input gives the same events and the same error; nothing is read outside of it.
#include "pieces.h"
#include "wire/rdb_reader.h"

namespace {

using vigil::wire::RdbReader;
using Event = RdbReader::Event;

void show(RdbReader& reader, Event event, std::string& out) {
  out += std::to_string(static_cast<int>(event)) + ":";
  switch (event) {
    case Event::kAux:
      out += std::string(reader.name()) + "=" + std::string(reader.text());
      break;
    case Event::kString:
    case Event::kItem:
      out += std::string(reader.key().key) + "=" + std::string(reader.value().text) +
             std::to_string(reader.value().number);
      break;
    case Event::kBegin:
      out += std::string(reader.key().key) + std::to_string(reader.key().expireAt.value_or(0));
      break;
    case Event::kError:
      out += reader.error();
      break;
    default:
      break;
  }
  out += ';';
}

std::string read(const std::string& file, size_t piece) {
  RdbReader reader({.verifyChecksum = false, .maxString = 1 << 20});
  std::string seen;
  std::string buffer;
  for (size_t at = 0; at < file.size(); at += piece) {
    buffer = std::string(buffer) + file.substr(at, piece);
    std::string_view unread = buffer;
    for (;;) {
      const Event event = reader.next(unread);
      if (event == Event::kNeedMore) break;
      show(reader, event, seen);
      if (event == Event::kError || event == Event::kEof) return seen;
    }
    buffer = std::string(unread);
  }
  return seen + reader.truncated();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = vigil::fuzz::splitInput(data, size);
  vigil::fuzz::expectSame(read(input.bytes, input.bytes.size() + 1), read(input.bytes, input.piece));
  return 0;
}
