#include "engine/lolwut.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/text.h"
#include "command/context.h"
#include "engine/version.h"

namespace vigil::engine {

namespace {

// Pixels, two by four of which make a Braille character.
class Canvas {
 public:
  Canvas(int width, int height) : width_(width), height_(height), pixels_(static_cast<size_t>(width * height)) {}

  void set(int x, int y) {
    if (x >= 0 && x < width_ && y >= 0 && y < height_) pixels_[static_cast<size_t>(y * width_ + x)] = true;
  }
  void line(double x0, double y0, double x1, double y1) {
    const double steps = std::max(1.0, std::ceil(std::max(std::abs(x1 - x0), std::abs(y1 - y0))));
    for (int i = 0; i <= static_cast<int>(steps); ++i) {
      const double part = i / steps;
      set(static_cast<int>(std::lround(x0 + (x1 - x0) * part)), static_cast<int>(std::lround(y0 + (y1 - y0) * part)));
    }
  }
  // A square by its centre, turned by `angle` (radians).
  void square(double x, double y, double side, double angle) {
    const double radius = side / std::numbers::sqrt2;
    const auto corner = [&](int number) {
      const double direction = angle + std::numbers::pi * (0.25 + 0.5 * number);
      return std::pair(x + radius * std::cos(direction), y + radius * std::sin(direction));
    };
    for (int i = 0; i < 4; ++i) {
      const auto [fromX, fromY] = corner(i);
      const auto [toX, toY] = corner(i + 1);
      line(fromX, fromY, toX, toY);
    }
  }
  std::string text() const {
    std::string out;
    for (int y = 0; y < height_; y += 4) {
      for (int x = 0; x < width_; x += 2) appendCharacter(out, dotsAt(x, y));
      out += '\n';
    }
    return out;
  }

 private:
  bool at(int x, int y) const { return x < width_ && y < height_ && pixels_[static_cast<size_t>(y * width_ + x)]; }
  // The dots are numbered 1 2 3 7 down the left column and 4 5 6 8 down the right one; dot n is bit n - 1.
  unsigned dotsAt(int x, int y) const {
    static constexpr std::array<std::array<unsigned, 4>, 2> kBits{{{0, 1, 2, 6}, {3, 4, 5, 7}}};
    unsigned dots = 0;
    for (int column = 0; column < 2; ++column) {
      for (int row = 0; row < 4; ++row) {
        if (at(x + column, y + row)) dots |= 1u << kBits[static_cast<size_t>(column)][static_cast<size_t>(row)];
      }
    }
    return dots;
  }
  static void appendCharacter(std::string& out, unsigned dots) {  // U+2800 + dots, in UTF-8
    out += '\xE2';
    out += static_cast<char>(0xA0 + (dots >> 6));
    out += static_cast<char>(0x80 + (dots & 0x3F));
  }

  int width_;
  int height_;
  std::vector<bool> pixels_;
};

// Between -1 and 1.
double swing(const RandomNumber& random) {
  constexpr uint64_t kSteps = 1 << 20;
  return static_cast<double>(random() % kSteps) / (kSteps / 2) - 1;
}

int between(int least, int greatest, const RandomNumber& random) {
  return least + static_cast<int>(random() % static_cast<uint64_t>(std::max(0, greatest - least) + 1));
}

}  // namespace

std::string drawSchotter(int columns, int squaresPerRow, int squaresPerColumn, const RandomNumber& random) {
  const int width = columns * 2;
  const int padding = width > 4 ? 2 : 0;
  const double side = static_cast<double>(width - padding * 2) / squaresPerRow;
  const int height = static_cast<int>(side * squaresPerColumn) + padding * 2;
  Canvas canvas(width, std::max(height, 1));
  for (int row = 0; row < squaresPerColumn; ++row) {
    // The first rows are in order.
    const double disorder = row < 2 ? 0 : static_cast<double>(row) / squaresPerColumn;
    for (int column = 0; column < squaresPerRow; ++column) {
      const double x = padding + side * (column + 0.5) + swing(random) * disorder * side / 3;
      const double y = padding + side * (row + 0.5) + swing(random) * disorder * side / 3;
      canvas.square(x, y, side, swing(random) * disorder * std::numbers::pi / 4);
    }
  }
  return canvas.text();
}

std::string drawSkyline(int columns, int rows, const RandomNumber& random) {
  enum Shade : uint8_t { kWhite, kLight, kDark, kBlack };
  static constexpr std::array<std::string_view, 4> kColours = {"97;107", "37;47", "90;100", "30;40"};
  std::vector<Shade> cells(static_cast<size_t>(columns * rows), kWhite);
  const auto cell = [&](int x, int y) -> Shade& { return cells[static_cast<size_t>(y * columns + x)]; };
  for (Shade layer : {kLight, kDark, kBlack}) {  // from far away to near
    for (int x = 0; x < columns;) {
      const int end = std::min(columns, x + between(4, 10, random));
      const int roof = between(rows * layer / 5, rows * (layer + 2) / 5, random);
      for (int left = x; x < end; ++x) {
        for (int y = roof; y < rows; ++y) {
          const bool window = layer == kBlack && x > left && x + 1 < end && y > roof && (x - left) % 2 == 1 &&
                              (y - roof) % 2 == 1 && random() % 3 != 0;
          cell(x, y) = window ? kLight : layer;
        }
      }
    }
  }
  std::string out;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      out.append("\x1b[0;").append(kColours[cell(x, y)]).append("m \x1b[0m");
    }
    out += '\n';
  }
  return out;
}

namespace {

using namespace command;  // the flags of the rows

// The numbers behind VERSION <version>, each from 1 to its limit; what is absent is as it was. False after an error.
struct Size {
  int& value;
  int64_t most;
};
bool parseSizes(Context& ctx, std::initializer_list<Size> sizes) {
  size_t at = 3;
  for (const Size& size : sizes) {
    if (at >= ctx.argc()) return true;
    const auto number = parseInt64(ctx.arg(at++));
    if (!number) {
      ctx.reply().notInteger();
      return false;
    }
    size.value = static_cast<int>(std::clamp<int64_t>(*number, 1, size.most));
  }
  return true;
}

constexpr int64_t kMostCells = 1000;
constexpr int64_t kMostSquares = 200;

void lolwut(Context& ctx) {
  int64_t version = 0;
  if (ctx.argc() >= 3 && equalsIgnoreCase(ctx.arg(1), "version")) {
    const auto number = parseInt64(ctx.arg(2));
    if (!number) return ctx.reply().notInteger();
    version = *number;
  }
  const RandomNumber random = [&ctx] { return ctx.random(); };
  std::string text;
  if (version == 5) {
    int columns = 66, perRow = 8, perColumn = 12;
    if (!parseSizes(ctx, {{columns, kMostCells}, {perRow, kMostSquares}, {perColumn, kMostSquares}})) return;
    // Two columns of pixels make a character, four rows a line: no picture is higher than it may be wide.
    perColumn = static_cast<int>(std::min<int64_t>(perColumn, std::max<int64_t>(1, 2 * kMostCells * perRow / columns)));
    text = drawSchotter(columns, perRow, perColumn, random) + "\nGeorg Nees - schotter, plotter on paper, 1968. ";
  } else if (version == 6) {
    int columns = 80, rows = 20;
    if (!parseSizes(ctx, {{columns, kMostCells}, {rows, kMostCells}})) return;
    text = drawSkyline(columns, rows, random) + "\nDedicated to the 8 bit game developers of past and present. ";
  }
  ctx.reply().verbatim("txt", text + "Redis ver. " + std::string(kRedisVersion) + "\n");
}

constexpr CommandSpec kCommands[] = {
    {.name = "lolwut",
     .arity = -1,
     .flags = kReadonly | kFast | kNoLocks,
     .handler = lolwut,
     .group = "server",
     .since = "5.0.0",
     .summary = "Display some computer art and the Redis version",
     .arguments = "[version:integer=VERSION]"},
};

}  // namespace

std::span<const CommandSpec> lolwutCommands() { return kCommands; }

}  // namespace vigil::engine
