// For tests: a file system in memory that can be made to fail. What append() was told is kept apart from what sync()
// made durable; crash() goes back to that.
#pragma once

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/files.h"

namespace vigil::persistence {

class MemoryFiles final : public FileSystem {
 public:
  struct Content {
    std::string bytes;
    std::string durable;
  };

  size_t room = SIZE_MAX;  // bytes that may still be appended; then a write is cut short with ENOSPC
  int failingSyncs = 0;    // so many syncs fail
  bool failTruncate = false;
  bool failFolderSyncs = false;

  std::string& operator[](const std::string& path) { return of(path)->bytes; }
  void crash() {
    for (auto& [path, content] : files_) content->bytes = content->durable;
  }

  Result<std::unique_ptr<File>> open(const std::string& path, Open how, uint32_t) override {
    if (how == Open::kRead && !files_.contains(path)) return fail("No such file or directory", ENOENT);
    if (how == Open::kCreateEmpty) files_[path] = std::make_shared<Content>();
    return std::unique_ptr<File>(new MemoryFile(*this, of(path)));
  }
  bool exists(const std::string& path) override { return files_.contains(path); }
  Status rename(const std::string& from, const std::string& to) override {
    if (!files_.contains(from)) return fail("No such file or directory", ENOENT);
    files_[to] = files_[from];
    files_.erase(from);
    return {};
  }
  Status remove(const std::string& path) override {
    if (files_.erase(path) == 0) return fail("No such file or directory", ENOENT);
    return {};
  }
  Status makeDir(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return fail("Not a directory", ENOTDIR); }
  Status syncDir(const std::string&) override {
    return failFolderSyncs ? Status(fail("Input/output error", EIO)) : Status();
  }

 private:
  class MemoryFile final : public File {
   public:
    MemoryFile(MemoryFiles& owner, std::shared_ptr<Content> content) : owner_(owner), content_(std::move(content)) {}
    Result<size_t> readAt(uint64_t offset, std::span<char> into) override {
      if (offset >= content_->bytes.size()) return size_t{0};
      size_t count = std::min(into.size(), content_->bytes.size() - offset);
      std::memcpy(into.data(), content_->bytes.data() + offset, count);
      return count;
    }
    Status append(std::span<const std::string_view> pieces) override {
      for (std::string_view piece : pieces) {
        size_t count = std::min(piece.size(), owner_.room);
        content_->bytes.append(piece.substr(0, count));
        if (owner_.room != SIZE_MAX) owner_.room -= count;
        if (count < piece.size()) return fail("No space left on device", ENOSPC);
      }
      return {};
    }
    Status sync() override {
      if (owner_.failingSyncs > 0) {
        --owner_.failingSyncs;
        return fail("Input/output error", EIO);
      }
      content_->durable = content_->bytes;
      return {};
    }
    Result<uint64_t> size() override { return content_->bytes.size(); }
    Status truncate(uint64_t size) override {
      if (owner_.failTruncate) return fail("Input/output error", EIO);
      content_->bytes.resize(size);
      return {};
    }

   private:
    MemoryFiles& owner_;
    std::shared_ptr<Content> content_;
  };

  std::shared_ptr<Content> of(const std::string& path) {
    auto& content = files_[path];
    if (!content) content = std::make_shared<Content>();
    return content;
  }

  std::map<std::string, std::shared_ptr<Content>> files_;
};

}  // namespace vigil::persistence
