// An RDB file on disk: written under a temporary name, synced, and then put in the place of the old one, so that after
// a crash there is either the old file or the new one. Used on one thread, as RdbTarget says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "persistence/rdb_target.h"

namespace vigil {
class File;
class FileSystem;
}  // namespace vigil

namespace vigil::persistence {

class RdbFileTarget final : public RdbTarget {
 public:
  struct Options {
    std::string path;             // what it will be called
    std::string temporary;        // what it is called until then, in the same folder
    bool incrementalSync = true;  // rdb-save-incremental-fsync: sync in pieces, so that no sync takes long
    std::function<void()> beforeRename = {};  // if any: all is written, and the file is about to take its name
  };
  // Creates the temporary file with the first append().
  RdbFileTarget(FileSystem& files, Options options);
  ~RdbFileTarget() override;

  Status append(std::string_view bytes) override;
  Status finish() override;
  void abandon() override;

 private:
  Status open();

  FileSystem& files_;
  const Options options_;
  std::unique_ptr<File> file_;
  uint64_t unsynced_ = 0;
};

}  // namespace vigil::persistence
