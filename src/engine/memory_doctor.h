// MEMORY DOCTOR: what a MemoryReport tells of problems, in Redis's words.
#pragma once

#include <string>

#include "engine/memory_report.h"

namespace vigil::engine {

std::string diagnoseMemory(const MemoryReport& report, const std::string& allocator);

}  // namespace vigil::engine
