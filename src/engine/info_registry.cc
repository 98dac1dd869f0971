#include "engine/info_registry.h"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <iterator>

#include "base/text.h"

namespace vigil::engine {

namespace {

struct Section {
  std::string_view name;
  std::string_view title;
  bool byDefault;
};

// In the order in which INFO shows them.
constexpr Section kSections[] = {
    {"server", "Server", true},
    {"clients", "Clients", true},
    {"memory", "Memory", true},
    {"persistence", "Persistence", true},
    {"stats", "Stats", true},
    {"replication", "Replication", true},
    {"cpu", "CPU", true},
    {"modules", "Modules", true},
    {"commandstats", "Commandstats", false},
    {"errorstats", "Errorstats", true},
    {"latencystats", "Latencystats", false},
    {"cluster", "Cluster", true},
    {"keyspace", "Keyspace", true},
    {"sentinel", "Sentinel", true},
};

bool isWanted(const Section& section, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return section.byDefault;
  return std::ranges::any_of(wanted, [&](const std::string& word) {
    if (equalsIgnoreCase(word, "all") || equalsIgnoreCase(word, "everything")) return true;
    if (equalsIgnoreCase(word, "default")) return section.byDefault;
    return equalsIgnoreCase(word, section.name);
  });
}

std::string decimal(double value, int decimals) {
  char text[64];
  int length = std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return std::string(text, static_cast<size_t>(length));
}

}  // namespace

std::string humanSize(uint64_t bytes) {
  constexpr char kUnits[] = "KMGTPE";
  if (bytes < 1024) return std::to_string(bytes) + "B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 2 < sizeof kUnits; ++unit) value /= 1024;
  return decimal(value, 2) + kUnits[unit];
}

void InfoWriter::field(std::string_view name, std::string_view value) {
  text_.append(name).append(":").append(value).append("\r\n");
}
void InfoWriter::number(std::string_view name, int64_t value) { field(name, std::to_string(value)); }
void InfoWriter::fixed(std::string_view name, double value, int decimals) { field(name, decimal(value, decimals)); }
void InfoWriter::percent(std::string_view name, double value) { field(name, decimal(value, 2) + "%"); }
void InfoWriter::human(std::string_view name, uint64_t bytes) { field(name, humanSize(bytes)); }
void InfoWriter::size(std::string_view name, uint64_t bytes) {
  number(name, static_cast<int64_t>(bytes));
  human(std::string(name) + "_human", bytes);
}

void InfoRegistry::add(std::string_view section, std::string_view part, Writer writer) {
  assert(std::ranges::any_of(kSections, [&](const Section& s) { return s.name == section; }));
  for (Part& known : parts_) {
    if (known.section == section && known.name == part) {
      known.writer = std::move(writer);
      return;
    }
  }
  parts_.push_back({std::string(section), std::string(part), std::move(writer)});
}

bool InfoRegistry::isShown(std::string_view section) const {
  if (only_.empty()) return section != "sentinel";
  return std::ranges::find(only_, section) != only_.end();
}

std::string InfoRegistry::write(const std::vector<std::string>& wanted) const {
  std::string text;
  InfoWriter info(text);
  for (const Section& section : kSections) {
    if (!isShown(section.name) || !isWanted(section, wanted)) continue;
    if (!text.empty()) text += "\r\n";
    text.append("# ").append(section.title).append("\r\n");
    for (const Part& part : parts_) {
      if (part.section == section.name) part.writer(info);
    }
  }
  return text;
}

}  // namespace vigil::engine
