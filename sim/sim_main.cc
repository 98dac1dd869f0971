// vigil-sim [--scenario NAME] [--seeds A..B | --seed N] [--seconds S] [--trace] [--plant BUG]
//
// Runs seeds of a scenario (of all, if none is named) and prints those that fail; the last line says how many passed.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "sim/planted.h"
#include "sim/scenario.h"

using namespace vigil;

namespace {

constexpr char kUsage[] =
    "Usage: vigil-sim [--scenario NAME] [--seeds A..B] [--seconds S] [--plant BUG]\n"
    "       vigil-sim --scenario NAME --seed N [--trace]\n"
    "       vigil-sim --list\n"
    "  --seeds A..B  these seeds of each scenario (1..100)\n"
    "  --seconds S   begins no seed after so many seconds\n"
    "  --trace       prints what happens, event by event\n"
    "  --plant BUG   puts a known bug into the code: the run must find it (exit code 0 if it does)\n";

struct Settings {
  std::string scenario;
  uint64_t first = 1;
  uint64_t last = 100;
  double seconds = 1e9;
  bool trace = false;
  bool list = false;
  std::string plant;
};

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    std::string_view option = argv[i];
    if (option == "--trace") {
      settings.trace = true;
    } else if (option == "--list") {
      settings.list = true;
    } else if (i + 1 == argc) {
      return false;
    } else if (option == "--scenario") {
      settings.scenario = argv[++i];
    } else if (option == "--plant") {
      settings.plant = argv[++i];
    } else if (option == "--seconds") {
      settings.seconds = std::atof(argv[++i]);
    } else if (option == "--seed") {
      settings.first = settings.last = std::strtoull(argv[++i], nullptr, 10);
    } else if (option == "--seeds") {
      if (std::sscanf(argv[++i], "%" SCNu64 "..%" SCNu64, &settings.first, &settings.last) != 2) return false;
    } else {
      return false;
    }
  }
  return true;
}

const sim::PlantedBugRow* findBug(const std::string& name) {
  for (const auto& row : sim::plantedBugs()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

void list() {
  for (const auto& scenario : sim::scenarios()) {
    std::printf("%-12s %s\n", std::string(scenario.name).c_str(), std::string(scenario.about).c_str());
  }
  for (const auto& row : sim::plantedBugs()) {
    std::printf("bug %s (%s)\n", std::string(row.name).c_str(), std::string(row.scenario).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (!parse(argc, argv, settings)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (settings.list) {
    list();
    return 0;
  }
  const sim::PlantedBugRow* bug = settings.plant.empty() ? nullptr : findBug(settings.plant);
  if (!settings.plant.empty() && !bug) {
    std::fprintf(stderr, "vigil-sim: no planted bug is called '%s'; --list names them\n", settings.plant.c_str());
    return 2;
  }
  if (bug) {
    sim::plant(bug->bug);
    if (settings.scenario.empty()) settings.scenario = bug->scenario;
  }
  size_t passed = 0, failed = 0, undecided = 0;
  auto begin = std::chrono::steady_clock::now();
  auto timeLeft = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < settings.seconds;
  };
  bool known = false;
  for (uint64_t seed = settings.first; seed <= settings.last && timeLeft(); ++seed) {
    for (const auto& scenario : sim::scenarios()) {
      if (!settings.scenario.empty() && scenario.name != settings.scenario) continue;
      known = true;
      sim::Outcome outcome = sim::runScenario(scenario, seed, settings.trace ? stdout : nullptr);
      undecided += outcome.undecided;
      if (settings.first == settings.last) {
        std::printf("%s seed %" PRIu64 ": %zu answers, %" PRIu64 " events, trace %016" PRIx64 "\n",
                    std::string(scenario.name).c_str(), seed, outcome.answered, outcome.events, outcome.traceHash);
      }
      if (!outcome.failure) {
        ++passed;
        continue;
      }
      ++failed;
      std::printf("FAILED: vigil-sim --scenario %s --seed %" PRIu64 "%s%s --trace\n  %s\n",
                  std::string(scenario.name).c_str(), seed, bug ? " --plant " : "", settings.plant.c_str(),
                  outcome.failure->c_str());
      if (bug) {
        std::printf("planted bug %s: found with seed %" PRIu64 "\n", settings.plant.c_str(), seed);
        return 0;
      }
    }
  }
  if (!known) {
    std::fprintf(stderr, "vigil-sim: no scenario is called '%s'; --list names them\n", settings.scenario.c_str());
    return 2;
  }
  if (undecided > 0) std::printf("%zu histories were too long to be decided\n", undecided);
  std::printf("sim: %zu passed, %zu failed\n", passed, failed);
  if (bug) return 1;  // it was not found
  return failed == 0 ? 0 : 1;
}
