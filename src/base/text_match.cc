// The pattern matching of base/text.h.
#include <utility>

#include "base/text.h"

namespace vigil {

namespace {

// One element of the pattern other than *: what it matches, and where the next one begins.
struct Element {
  bool matches = false;
  size_t next = 0;
};

class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text, bool ignoreCase)
      : pattern_(pattern), text_(text), ignoreCase_(ignoreCase) {}

  // Only the last * met needs to be tried again with one byte more: an earlier one could gain nothing that the later
  // cannot.
  bool run() const {
    if (text_.empty()) return pattern_.empty();  // Redis: not even * matches the empty text
    size_t p = 0, t = 0;
    size_t afterStar = std::string_view::npos, retry = 0;
    while (t < text_.size()) {
      if (p < pattern_.size() && pattern_[p] == '*') {
        afterStar = ++p;
        retry = t;
        continue;
      }
      if (p < pattern_.size()) {
        if (Element element = match(p, text_[t]); element.matches) {
          p = element.next;
          ++t;
          continue;
        }
      }
      if (afterStar == std::string_view::npos) return false;
      p = afterStar;
      t = ++retry;
    }
    while (p < pattern_.size() && pattern_[p] == '*') ++p;
    return p == pattern_.size();
  }

 private:
  char fold(char c) const { return ignoreCase_ ? toLowerAscii(c) : c; }

  Element match(size_t p, char c) const {
    switch (pattern_[p]) {
      case '?':
        return {true, p + 1};
      case '[':
        return matchClass(p + 1, c);
      case '\\':
        if (p + 1 < pattern_.size()) ++p;
        break;
    }
    return {fold(pattern_[p]) == fold(c), p + 1};
  }

  // `p` is behind the [. A class that is not closed ends with the pattern.
  Element matchClass(size_t p, char c) const {
    bool inverted = p < pattern_.size() && pattern_[p] == '^';
    if (inverted) ++p;
    bool found = false;
    for (; p < pattern_.size() && pattern_[p] != ']'; ++p) {
      if (pattern_[p] == '\\' && p + 1 < pattern_.size()) {
        if (pattern_[++p] == c) found = true;
      } else if (p + 2 < pattern_.size() && pattern_[p + 1] == '-') {
        if (inRange(pattern_[p], pattern_[p + 2], c)) found = true;
        p += 2;
      } else if (fold(pattern_[p]) == fold(c)) {
        found = true;
      }
    }
    return {found != inverted, p < pattern_.size() ? p + 1 : p};
  }

  bool inRange(char first, char last, char c) const {
    auto low = static_cast<unsigned char>(first), high = static_cast<unsigned char>(last);
    if (low > high) std::swap(low, high);
    low = static_cast<unsigned char>(fold(static_cast<char>(low)));
    high = static_cast<unsigned char>(fold(static_cast<char>(high)));
    auto byte = static_cast<unsigned char>(fold(c));
    return byte >= low && byte <= high;
  }

  std::string_view pattern_;
  std::string_view text_;
  bool ignoreCase_;
};

}  // namespace

bool stringMatch(std::string_view pattern, std::string_view text, bool ignoreCase) {
  return Matcher(pattern, text, ignoreCase).run();
}

}  // namespace vigil
