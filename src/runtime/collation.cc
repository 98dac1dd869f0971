#include "runtime/collation.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include <memory>
#include <type_traits>

namespace vigil::runtime {

Result<CollationKey> collationOf(const std::string& name) {
  const locale_t found = newlocale(LC_COLLATE_MASK, name.c_str(), nullptr);
  if (found == nullptr) return fail("Invalid locale name");
  const std::shared_ptr<std::remove_pointer_t<locale_t>> locale(found, freelocale);
  const std::string actual = nl_langinfo_l(_NL_LOCALE_NAME(LC_COLLATE), found);
  if (actual == "C" || actual == "POSIX" || actual == "C.UTF-8" || actual == "C.utf8") return CollationKey();
  return [locale](const std::string& text) {
    std::string key(strxfrm_l(nullptr, text.c_str(), 0, locale.get()), '\0');
    strxfrm_l(key.data(), text.c_str(), key.size() + 1, locale.get());
    return key;
  };
}

}  // namespace vigil::runtime
