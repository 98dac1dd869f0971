// sentinel.conf: what was taken is written, and then taken again to the same effect.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "sentinel/state_file.h"

using namespace vigil;

namespace {

std::vector<sentinel::ConfigLine> linesOf(std::string_view text) {
  std::vector<sentinel::ConfigLine> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const auto words = splitArguments(trimmed(text.substr(0, end)));
    if (words && words->size() > 1 && equalsIgnoreCase(words->front(), "sentinel")) {
      lines.emplace_back(words->begin() + 1, words->end());
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

bool load(sentinel::State& state, std::string_view text) {
  sentinel::Step step(state, 1);
  const auto lines = linesOf(text);
  return sentinel::loadLines(step, lines, [](const std::string&) { return true; }).has_value();
}

std::string write(const sentinel::State& state) {
  std::string text;
  for (const RewriteOption& option : sentinel::stateLines(state)) {
    for (const RewriteLine& line : option.lines) text += line.text + "\n";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sentinel::State first;
  if (!load(first, {reinterpret_cast<const char*>(data), size})) return 0;
  if (first.id.empty()) first.id = std::string(40, 'f');
  const std::string written = write(first);
  sentinel::State second;
  if (!load(second, written) || write(second) != written) std::abort();
  return 0;
}
