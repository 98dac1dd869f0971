#include "command/log_note.h"

#include <algorithm>

#include "base/text.h"

namespace vigil::command {

std::string noteText(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::vector<std::string_view> noteWords(Args args) {
  if (args.size() != 2 || !args[1].starts_with("CLUSTER SYNCSLOTS ") || !equalsIgnoreCase(args[0], "ECHO")) return {};
  std::vector<std::string_view> words;
  for (std::string_view rest = args[1]; !rest.empty();) {
    const size_t end = std::min(rest.find(' '), rest.size());
    words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  return words;
}

}  // namespace vigil::command
