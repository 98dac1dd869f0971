// The folder of an append-only log, as Redis 7 lays it out: appendonlydir/ with a manifest, a base file and incremental
// files. Every change is one atomic, durable replacement of the manifest, so that a crash at any moment leaves a set of
// files that loads.
//
//   createIncrement(), its head written and synced -> addToManifest()
//   replaceBase():  the new base is durable -> manifest {new base, increments from X on, the rest as history}
//                   -> removeHistory(): files deleted, then forgotten
//
// A replacement that fails after its rename is in doubt: a crash may leave either manifest. settle() ends that in favour
// of the old one, and nothing that reuses a name happens before.
//
// Used by one thread at a time. Blocks on files.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/files.h"
#include "base/result.h"
#include "persistence/aof_increment.h"
#include "wire/aof_manifest.h"

namespace vigil {
class Logger;
}

namespace vigil::persistence {

class AofDirectory {
 public:
  // `folder` and `fileName`: appenddirname and appendfilename.
  AofDirectory(FileSystem& files, Logger& logger, std::string folder, std::string fileName);

  // Reads the manifest, if there is one. Moves an AOF of Redis before 7 into the folder first.
  Status open();
  const wire::AofManifest& manifest() const { return manifest_; }
  bool empty() const { return !manifest_.base && manifest_.incremental.empty(); }

  const std::string& folder() const { return folder_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string nextBaseName(bool rdb) const;
  std::string nextIncrementName() const;
  // Where a new base is written before it gets its name.
  std::string temporaryBasePath() const { return path("temp-rewriteaof-base.aof"); }
  Status makeFolder();  // any thread

  // The file that the last record of the manifest names, or a new one if there is none.
  Result<std::unique_ptr<AofIncrement>> openLastIncrement();
  Result<std::unique_ptr<AofIncrement>> addIncrement();
  // The two halves of it: a file of the next name, and that it counts from now on.
  Result<std::unique_ptr<AofIncrement>> createIncrement();
  Status addToManifest(const std::string& increment);
  // After a failure of any of these: manifest() is what a crash leaves. An error: not known.
  Status settle();
  // The file at temporaryBasePath(), synced, becomes the base; increments before `firstIncrement` become history, and
  // so does the old base.
  Status replaceBase(bool rdb, const std::string& firstIncrement);
  // An increment that is not in the manifest yet: of a log that begins anew (AOF turned on, a full resync), until its
  // base is complete. Any thread.
  Result<std::unique_ptr<AofIncrement>> openTemporaryIncrement();
  // The file at temporaryBasePath() and the temporary increment become the whole log; all that was there is history.
  Status startOver(bool rdb, AofIncrement& increment);
  // Deletes what the manifest calls history. What cannot be deleted stays there for the next time.
  Status removeHistory();

 private:
  Status upgradeOldFile();
  Status store(wire::AofManifest next);
  Result<std::unique_ptr<AofIncrement>> openIncrement(const std::string& name);

  FileSystem& files_;
  Logger& logger_;
  const std::string folder_;
  const std::string fileName_;
  wire::AofManifest manifest_;
  bool inDoubt_ = false;
  std::atomic<int> temporaries_{0};
};

}  // namespace vigil::persistence
