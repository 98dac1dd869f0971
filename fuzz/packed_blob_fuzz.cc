// Packed collections. The first byte selects the format. What is read can be written as a listpack and read again.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "wire/packed_blob.h"

using vigil::listpack::Value;
using vigil::wire::PackedFormat;
using vigil::wire::PackedReader;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<PackedFormat>(data[0] % 4);
  const std::vector<char> exact(data + 1, data + size);
  auto reader = PackedReader::open(format, {exact.data(), exact.size()});
  if (!reader) return 0;
  std::string entries;
  std::vector<Value> values;
  Value value;
  PackedReader::Step step;
  while ((step = reader->next(value)) == PackedReader::Step::kElement) {
    const size_t at = entries.size();
    entries.resize(at + vigil::listpack::encodedSize(value));
    vigil::listpack::encode(value, entries.data() + at);
    values.push_back(value);
    if (vigil::listpack::sizeBefore(entries.data(), entries.data() + entries.size()) != entries.size() - at) {
      std::abort();
    }
  }
  if (step == PackedReader::Step::kDamaged) return 0;
  const std::string blob = vigil::wire::makeListpack(entries, values.size());
  auto again = PackedReader::open(PackedFormat::kListpack, blob);
  for (const Value& expected : values) {
    if (!again || again->next(value) != PackedReader::Step::kElement || value != expected) std::abort();
  }
  if (again->next(value) != PackedReader::Step::kEnd) std::abort();
  return 0;
}
