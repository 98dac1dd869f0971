// The part of a client's state that command handlers may read or set. The engine's own session derives from it.
#pragma once

#include <cstdint>
#include <string>

namespace vigil::command {

struct Session {
  uint64_t id = 0;       // unique since the start of the process, growing
  int db = 0;            // the selected database
  int protocol = 2;      // RESP version
  bool fromMaster = false;  // the stream of our master: keys never expire on their own account, replies go nowhere
  bool importing = false;   // a node sends us its slots: as with fromMaster, but it is logged here
  bool noTouch = false;     // CLIENT NO-TOUCH: reads leave the access time alone

  // Its commands have been carried out elsewhere: what happens here follows from there, not from our clock.
  bool follows() const { return fromMaster || importing; }
};

}  // namespace vigil::command
