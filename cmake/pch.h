// Precompiled: the standard headers that most files include, which cost more to parse than most files cost to compile.
// A file still includes what it uses: this one is forced in by the build and may be turned off (VIGIL_PCH=OFF).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
