// Whose bytes stand at which offsets of a log: the names that PSYNC goes by. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::oplog {

using Offset = int64_t;

// Which history the offsets belong to. PSYNC accepts an offset of `id`, and of those before it up to where each ended:
// of `previousId`, which is all that Redis knows, and of some older ones. A master that was restarted twice before its
// replicas came back would else be a stranger to them.
struct History {
  struct Past {
    std::string id;
    Offset end;  // as previousEnd
  };
  static constexpr size_t kMaxOlder = 8;

  std::string id;  // 40 hexadecimal digits
  std::string previousId = std::string(40, '0');
  Offset previousEnd = -1;  // INFO's second_repl_offset: the first offset (Redis's numbering) not of previousId
  std::vector<Past> older = {};  // before previousId, the latest first; at most kMaxOlder
  bool untold = false;           // this node made `id` up, and has told it to no other yet

  // The history that goes on as `newId` where the log of this one ends.
  History continuedAs(std::string newId, Offset logEnd) const;
  // The same, under a name that this node made up.
  History continuedByUsAs(std::string newId, Offset logEnd) const;
  // The name under which to ask another node for what follows `logEnd`. A master that came back, and has written nothing
  // since, is known to nobody by its new id, but is where the old one ended.
  const std::string& nameToAskBy(Offset logEnd) const { return untold && previousEnd == logEnd + 1 ? previousId : id; }
  // The first offset (Redis's numbering) that is not of history `past`, which came before `id`; nullopt: none did by
  // that name. Upper and lower case are the same.
  std::optional<Offset> endOf(std::string_view past) const;
};

}  // namespace vigil::oplog
