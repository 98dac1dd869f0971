// Feeds any text to the readers of configuration: file, command line, CONFIG SET, CONFIG REWRITE.
//
// Beyond not crashing: a rewritten file loads, says the same as what was rewritten, and rewriting it again and
// again soon changes nothing.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_file.h"
#include "base/ports/files.h"
#include "base/stock_options.h"
#include "base/text.h"

namespace vigil {
namespace {

// No file exists.
class NoFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string&, Open, uint32_t) override { return fail("none"); }
  bool exists(const std::string&) override { return false; }
  Status rename(const std::string&, const std::string&) override { return fail("none"); }
  Status remove(const std::string&) override { return fail("none"); }
  Status makeDir(const std::string&) override { return fail("none"); }
  Result<std::vector<std::string>> list(const std::string&) override { return fail("none"); }
  Status syncDir(const std::string&) override { return fail("none"); }
};

struct Server {
  Server() { stock.registerMissing(registry); }

  // Lines that are refused are passed over, so that one bad line does not hide the rest.
  void load(std::string_view text) {
    NoFiles files;
    ConfigReader reader(files, [this](const std::string& name, std::span<const std::string> words) {
      (void)registry.loadDirective(name, words);
      return Status();
    });
    (void)reader.loadText(text, "fuzz");
  }
  std::vector<ConfigRegistry::Pair> all() { return registry.get(std::vector<std::string>{"*"}); }

  StockOptions stock;
  ConfigRegistry registry;
};

void require(bool holds) {
  if (!holds) std::abort();
}

void readFile(std::string_view text) {
  Server first;
  first.load(text);
  std::string rewritten = first.registry.rewrite(text);
  Server second;
  second.load(rewritten);
  require(second.all() == first.all());
  // Lines of client-output-buffer-limit that repeat a default take the place of others, so it may need some rounds.
  std::string before;
  for (int round = 0; round < 4; ++round) {
    before = rewritten;
    rewritten = second.registry.rewrite(before);
  }
  require(rewritten == before);
}

void setAll(std::string_view text) {
  Server server;
  auto words = splitArguments(text);
  if (!words) return;
  auto before = server.all();
  std::vector<ConfigRegistry::Pair> pairs;
  for (size_t i = 0; i + 1 < words->size(); i += 2) pairs.emplace_back((*words)[i], (*words)[i + 1]);
  if (!server.registry.set(pairs)) require(server.all() == before);
  (void)server.registry.get(*words);
  CommandLine line = parseCommandLine(*words);
  server.load(line.optionLines);
}

}  // namespace
}  // namespace vigil

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    vigil::readFile(text);
  } else {
    vigil::setAll(text);
  }
  return 0;
}
