// FileSystem on POSIX calls. Thread safe as the port says; every call may block for as long as the disk takes.
//
// An error's message names the call, the path and the reason ("open /data/x: No such file or directory"); its code is
// the errno value.
#pragma once

#include "base/ports/files.h"

namespace vigil::runtime {

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how, uint32_t permissions) override;
  bool exists(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status makeDir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Status syncDir(const std::string& dir) override;
};

}  // namespace vigil::runtime
