// Incremental AOF files: whatever stands in one, the reader ends; what it gave is exactly what stands before validTo, so
// that a file cut there gives the same and ends whole.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "persistence/aof_log_tail.h"
#include "persistence/aof_reader.h"
#include "persistence/memory_files.h"

namespace {

using vigil::persistence::AofFileEnd;
using vigil::persistence::AofLogTail;
using vigil::persistence::AofReader;
using vigil::persistence::MemoryFiles;

struct Content {
  std::string commands;
  AofFileEnd end;
};

Content read(std::string_view bytes) {
  MemoryFiles files;
  files["f"] = bytes;
  const auto file = files.open("f", vigil::FileSystem::Open::kRead, 0644);
  AofLogTail tail(4096);
  AofReader reader(**file);
  reader.keepTail(&tail);
  Content content;
  for (auto more = reader.next(); more && *more; more = reader.next()) {
    for (const auto& command : reader.commands()) {
      for (const std::string_view word : command.args) {
        content.commands.append(std::to_string(word.size())).append(":").append(word);
      }
      content.commands += ';';
    }
  }
  content.end = reader.end();
  return content;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Content whole = read(bytes);
  expect(whole.end.validTo <= size);
  expect(whole.end.kind != AofFileEnd::Kind::kDamaged || whole.end.damagedAt <= size);
  expect(whole.end.kind != AofFileEnd::Kind::kWhole || whole.end.validTo == size);
  const Content cut = read(bytes.substr(0, whole.end.validTo));
  expect(cut.commands == whole.commands);
  expect(cut.end.kind == AofFileEnd::Kind::kWhole);
  return 0;
}
