// Numbers, patterns and quoted words as text, by the rules that Redis's users see: in replies, in arguments of
// commands and in configuration files.
//
// Pure functions, thread safe. Bytes are taken as they are: no locale, no Unicode. Where a parser returns nullopt the
// text is not a value of that kind; which error that is, its caller knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil {

// --- Integers ---

// A signed 64-bit integer in its canonical form alone: no sign +, no leading zeros or spaces, no -0. Whatever is
// accepted is printed back byte for byte, which is why a string value may be stored as the integer.
std::optional<int64_t> parseInt64(std::string_view text);
// The same for 0 .. 2^64-1.
std::optional<uint64_t> parseUint64(std::string_view text);

void appendInteger(std::string& out, int64_t value);

// --- Floating point ---

// What strtold accepts, without spaces around it: decimal, exponent, hexadecimal, inf; not nan, nothing out of range.
std::optional<long double> parseLongDouble(std::string_view text);
std::optional<double> parseDouble(std::string_view text);
// As INCRBYFLOAT and HINCRBYFLOAT store and reply: 17 decimals, without the zeros at the end ("10.5", "3", "0").
std::string formatLongDouble(long double value);
// As replies show a double: the shortest text that reads back as the same double ("0.1", "3", "1e+21", "inf", "-0").
std::string formatDouble(double value);

// --- Words ---

char toLowerAscii(char c);
std::string toLower(std::string_view text);
bool equalsIgnoreCase(std::string_view a, std::string_view b);

std::string toHex(std::string_view bytes);                    // lower case
std::optional<std::string> fromHex(std::string_view digits);  // either case, an even number of digits
std::string_view trimmed(std::string_view text, std::string_view what = " \t\r\n");

// Redis's glob: * ? [abc] [^a-z] and \ before a literal byte. Time is at most |pattern| * |text|, whatever the
// pattern.
bool stringMatch(std::string_view pattern, std::string_view text, bool ignoreCase = false);

// A size: digits, then nothing or b, k (1000), kb (1024), m, mb, g, gb in either case. Values over 2^64-1 are refused.
std::optional<uint64_t> parseMemorySize(std::string_view text);
// The shortest exact spelling in gb, mb, kb or bytes, as CONFIG REWRITE writes it.
std::string formatMemorySize(uint64_t bytes);

// --- Quoted words ---

// Splits a line into words at white space. A word may be in "double quotes" with \n \r \t \b \a \xHH and \<byte>, or in
// 'single quotes' with \'. nullopt: a quote is open at the end, or is not followed by a space.
std::optional<std::vector<std::string>> splitArguments(std::string_view line);
// The word in double quotes so that splitArguments() reads it back; bytes that are not printable as escapes.
void appendQuoted(std::string& out, std::string_view text);
std::string quoteArgument(std::string_view text);

}  // namespace vigil
