#include "base/config_rewrite.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/text.h"

namespace vigil {

namespace {

class Rewriter {
 public:
  Rewriter(std::string_view oldText, const CanonicalName& canonical) : canonical_(canonical) {
    if (oldText.empty()) return;
    // A text that ends in a line's end has one more, empty line behind it: it sets what is appended apart.
    for (;;) {
      size_t end = oldText.find('\n');
      readOldLine(trimmed(oldText.substr(0, end)));
      if (end == std::string_view::npos) break;
      oldText.remove_prefix(end + 1);
    }
  }

  void write(const RewriteOption& option) {
    auto old = oldLines_.find(option.name);
    for (const RewriteLine& line : option.lines) {
      if (old != oldLines_.end() && !old->second.empty()) {
        lines_[old->second.front()] = line.text;
        old->second.pop_front();
      } else if (line.force) {
        append(line.text);
      }
    }
    if (old == oldLines_.end()) return;
    for (size_t index : old->second) lines_[index].clear();
    old->second.clear();
  }

  std::string text() const {
    std::string text;
    bool wasEmpty = false;
    for (const std::string& line : lines_) {
      if (line.empty() && wasEmpty) continue;
      wasEmpty = line.empty();
      text.append(line).push_back('\n');
    }
    return text;
  }

 private:
  void readOldLine(std::string_view line) {
    if (line.empty() || line[0] == '#') {
      if (line == kRewriteSignature) isSigned_ = true;
      lines_.emplace_back(line);
      return;
    }
    auto words = splitArguments(line);
    auto name = words && !words->empty() ? canonical_(toLower(words->front())) : std::nullopt;
    if (!name) {
      lines_.push_back("# ??? " + std::string(line));
      return;
    }
    if (*name == "sentinel" && words->size() >= 2) *name += " " + (*words)[1];
    oldLines_[*name].push_back(lines_.size());
    lines_.emplace_back(line);
  }

  void append(const std::string& line) {
    if (!isSigned_) lines_.emplace_back(kRewriteSignature);
    isSigned_ = true;
    lines_.push_back(line);
  }

  const CanonicalName& canonical_;
  std::vector<std::string> lines_;
  std::map<std::string, std::deque<size_t>, std::less<>> oldLines_;  // of a directive, in order, not yet reused
  bool isSigned_ = false;
};

}  // namespace

std::string rewriteConfig(std::string_view oldText, const CanonicalName& canonical,
                          std::span<const RewriteOption> options) {
  Rewriter rewriter(oldText, canonical);
  for (const RewriteOption& option : options) rewriter.write(option);
  return rewriter.text();
}

}  // namespace vigil
