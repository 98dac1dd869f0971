// DEBUG DIGEST: a hash over keys, values and times to live that is equal on two nodes, Vigil or redis-server 7.0, which
// hold the same data, whatever the order in which they hold it.
//
//   mix(x):   digest = sha1(digest xor sha1(x))      where order counts: the elements of a list
//   merge(x): digest = digest xor sha1(x)            where it does not: keys, the members of a set
//
//   of a value:    mix(type, 4 bytes), then
//                  string: mix(text)                              list: mix(element) of each
//                  set: merge(member) of each
//                  hash: merge(mix(field), mix(value) from zero)  of each field
//                  sorted set: merge(mix(member), mix(score as %.17g) from zero) of each member
//                  stream: mix("ms.seq"), mix(field), mix(value) … of each entry
//                  and where it expires: merge("!!expire!!")
//   of a keyspace: per database that is not empty: mix(number, 4 bytes big endian), merge(mix(key), value) of each key
//
// The types' numbers are those of keyspace::Type, big endian. Facts of redis-server 7.0's debug.c. Pure, not thread safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/sha1.h"

namespace vigil::keyspace {

class Database;
class Entry;

class Digest {
 public:
  void merge(std::string_view bytes);
  void mix(std::string_view bytes);
  void mixNumber(uint32_t number);
  void mergeDigest(const Digest& other) { merge(other.bytes()); }
  // A value, its type and that it expires.
  void addValue(const Entry& entry);
  // All keys of a database that have not expired. World held.
  void addDatabase(Database& database);

  std::string hex() const;

 private:
  std::string_view bytes() const { return {reinterpret_cast<const char*>(digest_.data()), digest_.size()}; }
  void addList(const Entry& entry);

  Sha1 digest_{};
};

}  // namespace vigil::keyspace
