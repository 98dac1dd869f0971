// Where the memory of the process goes: the numbers that INFO memory, MEMORY STATS and MEMORY DOCTOR share.
//
// What has no meaning here is left out or 0: there is no fork, no jemalloc and no cluster yet. mimalloc does not tell how
// much of its pages is in use, so what it holds is what is resident of the process's anonymous memory.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace vigil::engine {

class Engine;

// What the interpreter of scripts takes. Told by its owner.
struct ScriptMemory {
  int64_t evalInterpreter = 0;      // the interpreter of EVAL
  int64_t evalScripts = 0;          // cached texts and what they were compiled to
  int64_t cachedScripts = 0;        // how many
  int64_t functionInterpreter = 0;  // the interpreter of FUNCTION
  int64_t functionCode = 0;
  int64_t functions = 0;  // how many
  int64_t libraries = 0;  // how many
};

struct MemoryReport {
  struct DatabaseOverhead {
    int db;
    int64_t keys;
    int64_t table;   // buckets, and the entries' headers
    int64_t expiry;  // of what expires: index, and the time in the entry
  };

  static MemoryReport of(Engine& engine);

  int64_t used = 0;
  int64_t peak = 0;
  int64_t startup = 0;
  int64_t resident = 0;
  int64_t anonymous = 0;  // of the resident: what the allocator holds
  int64_t backlog = 0;
  int64_t replicationBuffers = 0;  // the backlog, and what slow replicas have not read beyond it
  int64_t aofBuffer = 0;
  int64_t notCounted = 0;
  int64_t normalClients = 0;
  int64_t replicaClients = 0;
  int64_t normalClientCount = 0;
  int64_t replicaClientCount = 0;
  ScriptMemory scripts;
  std::vector<DatabaseOverhead> databases;  // that hold keys

  int64_t keys() const;
  int64_t overhead() const;  // all that is not data
  int64_t dataset() const { return used > overhead() ? used - overhead() : 0; }
  // Beside what the empty server takes.
  int64_t beyondStartup() const { return used > startup ? used - startup : used; }
  double datasetPercent() const;
  double peakPercent() const;
  double fragmentation() const;           // of the whole process
  double allocatorFragmentation() const;  // of what the allocator holds
  double processOverhead() const;         // of what is resident beside it: code and files
};

}  // namespace vigil::engine
