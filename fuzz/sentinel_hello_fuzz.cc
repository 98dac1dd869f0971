// Hellos of other Sentinels, and servers' INFO: a hello that was understood is written, and then understood the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/info_report.h"
#include "wire/sentinel_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = vigil::wire::parseInfo(text);
  for (const auto& replica : report.replicas) {
    if (replica.host.empty() || replica.port == 0) std::abort();
  }
  const auto hello = vigil::wire::parseHello(text);
  if (!hello) return 0;
  const auto again = vigil::wire::parseHello(vigil::wire::formatHello(*hello));
  if (!again || *again != *hello) std::abort();
  return 0;
}
