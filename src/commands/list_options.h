// The options of the list commands: their owner, given to the command table when the list commands are registered.
//
// Thread safe: any thread may set a value, commands see it from then on.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "ds/chunked_list.h"

namespace vigil {
class ConfigRegistry;
}

namespace vigil::commands {

struct ListOptions {
  std::atomic<int> maxListpackSize{-2};  // list-max-listpack-size; lists keep the limit they were made with

  ds::ChunkLimit limit() const {
    const int fill = maxListpackSize.load(std::memory_order_relaxed);
    return {static_cast<int16_t>(std::clamp<int>(fill, INT16_MIN, INT16_MAX))};
  }

  // Adds the rows of these options; they must outlive the registry.
  void addTo(ConfigRegistry& registry);
};

}  // namespace vigil::commands
