#include "persistence/rdb_file_target.h"

#include <utility>

#include "base/ports/files.h"

namespace vigil::persistence {

namespace {

constexpr uint64_t kSyncEvery = 4 << 20;

std::string folderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

RdbFileTarget::RdbFileTarget(FileSystem& files, Options options) : files_(files), options_(std::move(options)) {}

RdbFileTarget::~RdbFileTarget() = default;

Status RdbFileTarget::open() {
  auto file = files_.open(options_.temporary, FileSystem::Open::kCreateEmpty);
  if (!file) {
    return fail("Failed opening the temp RDB file " + options_.temporary + " for saving: " + file.error().message,
                file.error().code);
  }
  file_ = std::move(*file);
  return {};
}

Status RdbFileTarget::append(std::string_view bytes) {
  if (file_ == nullptr) {
    if (auto s = open(); !s) return s;
  }
  if (auto s = file_->append(bytes); !s) return fail("Write error saving DB on disk: " + s.error().message);
  unsynced_ += bytes.size();
  if (options_.incrementalSync && unsynced_ >= kSyncEvery) {
    if (auto s = file_->sync(); !s) return fail("Write error saving DB on disk: " + s.error().message);
    unsynced_ = 0;
  }
  return {};
}

Status RdbFileTarget::finish() {
  if (auto s = file_->sync(); !s) return fail("Write error saving DB on disk: " + s.error().message);
  file_.reset();
  if (options_.beforeRename) options_.beforeRename();
  if (auto s = files_.rename(options_.temporary, options_.path); !s) {
    return fail("Error moving temp DB file " + options_.temporary + " on the final destination " + options_.path +
                ": " + s.error().message);
  }
  if (auto s = files_.syncDir(folderOf(options_.path)); !s) {
    return fail("Failed to sync the folder of " + options_.path + " after its rename: " + s.error().message);
  }
  return {};
}

void RdbFileTarget::abandon() {
  if (file_ == nullptr) return;
  file_.reset();
  (void)files_.remove(options_.temporary);
}

}  // namespace vigil::persistence
