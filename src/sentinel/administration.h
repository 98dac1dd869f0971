// What users ask of a Sentinel: masters to watch, their options, failovers.
//
// An error's text as the client sees it, without its code; empty: done.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sentinel/state_file.h"
#include "sentinel/step.h"

namespace vigil::sentinel {

// A new master, as a line of the file has it: nothing is told or written yet.
std::string addMaster(Step& step, const std::string& name, const std::string& host, int64_t port, int64_t quorum);
// All is loaded: makes the id if there is none, tells what is watched.
void begin(Step& step, const std::string& newId);

std::string monitorMaster(Step& step, const std::string& name, const std::string& host, int64_t port, int64_t quorum);
void removeMaster(Step& step, MonitoredMaster& master);
size_t resetMasters(Step& step, std::string_view pattern);
// SENTINEL SET: names and values by turns. What comes before a mistake is done.
std::string setOptions(Step& step, MonitoredMaster& master, std::span<const std::string> words,
                       const IsExecutable& isExecutable);
// SENTINEL FAILOVER; the error with its code.
std::string failOver(Step& step, MonitoredMaster& master, bool coordinated);
// SENTINEL CONFIG SET
std::string setGlobal(Step& step, std::string_view name, const std::string& value);
// SENTINEL DEBUG: a time constant in milliseconds. False: there is no such one, or no such value.
bool isTime(std::string_view name);
bool setTime(TimeConstants& times, std::string_view name, std::string_view value);
std::vector<std::pair<std::string_view, int64_t>> listTimes(const TimeConstants& times);

// SENTINEL CKQUORUM
struct QuorumCheck {
  size_t usable = 1;
  bool quorum = false;
  bool majority = false;
};
QuorumCheck checkQuorum(const MonitoredMaster& master);

bool isNumericAddress(std::string_view host);

}  // namespace vigil::sentinel
