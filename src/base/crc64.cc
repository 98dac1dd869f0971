#include "base/crc64.h"

#include <isa-l/crc64.h>

namespace vigil {

// ISA-L inverts before and after, as is usual for CRCs; Redis does neither.
void Crc64::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  value_ = ~crc64_jones_refl(~value_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace vigil
