// LOLWUT: pictures that servers draw of themselves, and the version.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "command/spec.h"

namespace vigil::engine {

using RandomNumber = std::function<uint64_t()>;  // uniformly distributed

// Georg Nees's "Schotter": a grid of squares that falls into disorder towards its foot. In Braille characters, `columns`
// of them wide; lines end with "\n".
std::string drawSchotter(int columns, int squaresPerRow, int squaresPerColumn, const RandomNumber& random);

// A city at night, in four shades of the terminal's colours.
std::string drawSkyline(int columns, int rows, const RandomNumber& random);

// Its owner is the engine.
std::span<const command::CommandSpec> lolwutCommands();

}  // namespace vigil::engine
