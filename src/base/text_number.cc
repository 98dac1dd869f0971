// The floating point part of base/text.h.
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"

namespace vigil {

namespace {

constexpr size_t kMaxFloatChars = 5 * 1024;  // the longest a long double is without an exponent, and then some

// `read` is strtod or strtold.
template <typename T>
std::optional<T> parseFloat(std::string_view text, T (*read)(const char*, char**)) {
  if (text.empty() || text.size() >= kMaxFloatChars || std::isspace(static_cast<unsigned char>(text[0])) != 0) {
    return std::nullopt;
  }
  std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  T value = read(terminated.c_str(), &end);
  bool outOfRange = errno == ERANGE && (std::isinf(value) || value == 0);
  if (end != terminated.c_str() + text.size() || outOfRange || std::isnan(value)) return std::nullopt;
  return value;
}

// A double between these has an integer's exact digits.
constexpr double kExactIntegerLimit = 4503599627370496.0;  // 2^52

// The shortest digits d1 d2 ... dn and the power of ten k for which value = d1d2...dn * 10^k.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal shortestDecimal(double positive) {
  std::array<char, 40> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), positive, std::chars_format::scientific).ptr;
  std::string_view view(text.data(), static_cast<size_t>(end - text.data()));
  size_t e = view.find('e');
  Decimal decimal;
  for (char c : view.substr(0, e)) {
    if (c != '.') decimal.digits.push_back(c);
  }
  std::string_view exponent = view.substr(e + 1);
  if (exponent[0] == '+') exponent.remove_prefix(1);
  int scientific = 0;
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), scientific);
  decimal.exponent = scientific - static_cast<int>(decimal.digits.size()) + 1;
  return decimal;
}

// When to use an exponent follows the fpconv library, which Redis 7.2 prints doubles with.
std::string layOut(const Decimal& decimal) {
  const std::string& digits = decimal.digits;
  int count = static_cast<int>(digits.size());
  int scientific = decimal.exponent + count - 1;
  int magnitude = std::abs(scientific);
  if (decimal.exponent >= 0 && magnitude < count + 7) {
    return digits + std::string(static_cast<size_t>(decimal.exponent), '0');
  }
  if (decimal.exponent < 0 && (decimal.exponent > -7 || magnitude < 4)) {
    int before = count + decimal.exponent;
    if (before <= 0) return "0." + std::string(static_cast<size_t>(-before), '0') + digits;
    return digits.substr(0, static_cast<size_t>(before)) + "." + digits.substr(static_cast<size_t>(before));
  }
  std::string text = digits.substr(0, 1);
  if (count > 1) text += "." + digits.substr(1);
  text += scientific < 0 ? "e-" : "e+";
  appendInteger(text, magnitude);
  return text;
}

}  // namespace

std::optional<long double> parseLongDouble(std::string_view text) {
  return parseFloat<long double>(text, std::strtold);
}

std::optional<double> parseDouble(std::string_view text) { return parseFloat<double>(text, std::strtod); }

std::string formatLongDouble(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, kMaxFloatChars> buffer;
  int length = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", value);
  std::string text(buffer.data(), static_cast<size_t>(length));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

std::string formatDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  if (std::abs(value) < kExactIntegerLimit && value == std::trunc(value)) {
    std::string text;
    appendInteger(text, static_cast<int64_t>(value));
    return text;
  }
  return (value < 0 ? "-" : "") + layOut(shortestDecimal(std::abs(value)));
}

}  // namespace vigil
