// What LATENCY DOCTOR advises, by kind of event. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "engine/latency_report.h"

namespace vigil::engine {

// In the order in which they are given.
enum class Advice : uint8_t {
  kEnableSlowLog,
  kTuneSlowLog,
  kInspectSlowLog,
  kScheduler,
  kLocalDisk,
  kFastDisk,
  kWriteback,
  kDiskContention,
  kRelaxFsync,
  kHz,
  kLargeObjects,
  kMassEviction,
  kHugePages,
};

void addAdvice(std::string_view event, const LatencyFacts& facts, std::set<Advice>& advice);
std::string adviceText(Advice advice, const LatencyFacts& facts);

}  // namespace vigil::engine
