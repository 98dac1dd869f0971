// Who hears of what happens to keys where no handler sees it: deletions on the keyspace's own account (the log's DEL,
// the "expired" event), and, if it asks for them, keys that are created or looked for in vain.
#pragma once

namespace vigil::keyspace {

struct KeyRef;

class ExpiryListener {
 public:
  virtual ~ExpiryListener() = default;
  virtual void onExpired(int db, const KeyRef& key) = 0;  // called before the entry goes
  virtual void onCreated(int, const KeyRef&) {}
  virtual void onMissed(int, const KeyRef&) {}  // by a reader
};

}  // namespace vigil::keyspace
