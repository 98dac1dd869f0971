#include "keyspace/digest.h"

#include <utility>

#include "base/text.h"
#include "ds/chunked_list.h"
#include "keyspace/database.h"
#include "keyspace/entry.h"

namespace vigil::keyspace {

void Digest::merge(std::string_view bytes) {
  const Sha1 other = sha1(bytes);
  for (size_t i = 0; i < digest_.size(); ++i) digest_[i] ^= other[i];
}

void Digest::mix(std::string_view bytes) {
  merge(bytes);
  digest_ = sha1(this->bytes());
}

void Digest::mixNumber(uint32_t number) {
  const char big[] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
                      static_cast<char>(number)};
  mix({big, sizeof big});
}

void Digest::addList(const Entry& entry) {
  for (auto at = entry.list().cursorAt(0); at.valid(); at.next()) {
    ds::IntegerText digits;
    mix(ds::toText(at.element(), digits));
  }
}

void Digest::addValue(const Entry& entry) {
  mixNumber(static_cast<uint32_t>(entry.type()));
  if (entry.isList()) {
    addList(entry);
  } else {
    Entry::Scratch scratch;
    mix(entry.stringValue(scratch));
  }
  if (entry.hasExpire()) merge("!!expire!!");
}

void Digest::addDatabase(Database& database) {
  bool begun = false;
  database.forEach([&](const Entry& entry) {
    if (!std::exchange(begun, true)) mixNumber(static_cast<uint32_t>(database.index()));
    Digest of;
    of.mix(entry.key());
    of.addValue(entry);
    mergeDigest(of);
  });
}

std::string Digest::hex() const { return toHex(bytes()); }

}  // namespace vigil::keyspace
