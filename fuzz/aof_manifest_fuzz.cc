// AOF manifests: what was understood is written, and then understood the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/aof_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  const auto manifest = vigil::wire::parseAofManifest(content);
  if (!manifest) return 0;
  const std::string written = vigil::wire::formatAofManifest(*manifest);
  if (written.empty()) return 0;
  const auto again = vigil::wire::parseAofManifest(written);
  // A name that is quoted with escapes may grow over the longest line.
  const bool grown = !again && again.error().message == "The AOF manifest file contains too long line";
  if (!grown && (!again || *again != *manifest)) std::abort();
  return 0;
}
