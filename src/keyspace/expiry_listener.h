// Who hears of deletions on the keyspace's own account (the log's DEL, the "expired" event).
#pragma once

namespace vigil::keyspace {

struct KeyRef;

class ExpiryListener {
 public:
  virtual ~ExpiryListener() = default;
  virtual void onExpired(int db, const KeyRef& key) = 0;  // called before the entry goes
};

}  // namespace vigil::keyspace
