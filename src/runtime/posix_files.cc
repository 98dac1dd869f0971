#include "runtime/posix_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace vigil::runtime {

namespace {

std::unexpected<Error> failedCall(const char* call, const std::string& path) {
  const int error = errno;
  return fail(std::string(call) + " " + path + ": " + std::strerror(error), error);
}

// Calls `f` again while a signal interrupts it.
template <typename F>
auto uninterrupted(F f) {
  for (;;) {
    const auto result = f();
    if (result != -1 || errno != EINTR) return result;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { close(descriptor_); }

  Result<size_t> readAt(uint64_t offset, std::span<char> into) override;
  Status append(std::span<const std::string_view> pieces) override;
  Status sync() override {
    return done(uninterrupted([&] { return fdatasync(descriptor_); }), "fdatasync");
  }
  Result<uint64_t> size() override;
  Status truncate(uint64_t size) override {
    return done(uninterrupted([&] { return ftruncate(descriptor_, static_cast<off_t>(size)); }), "ftruncate");
  }

 private:
  static constexpr size_t kPiecesPerCall = 128;

  Status done(int result, const char* call) {
    if (result != 0) return failedCall(call, path_);
    return {};
  }
  Status writeAll(std::span<iovec> vectors);

  const int descriptor_;
  const std::string path_;
};

Result<size_t> PosixFile::readAt(uint64_t offset, std::span<char> into) {
  size_t total = 0;
  while (total < into.size()) {
    const std::span<char> rest = into.subspan(total);
    const ssize_t got =
        uninterrupted([&] { return pread(descriptor_, rest.data(), rest.size(), static_cast<off_t>(offset + total)); });
    if (got < 0) return failedCall("read", path_);
    if (got == 0) break;
    total += static_cast<size_t>(got);
  }
  return total;
}

Status PosixFile::append(std::span<const std::string_view> pieces) {
  std::array<iovec, kPiecesPerCall> vectors;
  while (!pieces.empty()) {
    const size_t count = std::min(pieces.size(), kPiecesPerCall);
    for (size_t i = 0; i < count; ++i) {
      vectors[i] = iovec{const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    if (auto written = writeAll(std::span(vectors).first(count)); !written) return written;
    pieces = pieces.subspan(count);
  }
  return {};
}

Status PosixFile::writeAll(std::span<iovec> vectors) {
  while (!vectors.empty()) {
    if (vectors.front().iov_len == 0) {
      vectors = vectors.subspan(1);
      continue;
    }
    const ssize_t written =
        uninterrupted([&] { return writev(descriptor_, vectors.data(), static_cast<int>(vectors.size())); });
    if (written < 0) return failedCall("write", path_);
    if (written == 0) {
      errno = ENOSPC;  // a disk that takes nothing and gives no reason
      return failedCall("write", path_);
    }
    auto left = static_cast<size_t>(written);
    while (!vectors.empty() && left >= vectors.front().iov_len) {
      left -= vectors.front().iov_len;
      vectors = vectors.subspan(1);
    }
    if (left == 0) continue;
    vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + left;
    vectors.front().iov_len -= left;
  }
  return {};
}

Result<uint64_t> PosixFile::size() {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) return failedCall("fstat", path_);
  return static_cast<uint64_t>(status.st_size);
}

int flagsOf(FileSystem::Open how) {
  switch (how) {
    case FileSystem::Open::kRead:
      return O_RDONLY;
    case FileSystem::Open::kAppendOrCreate:
      return O_RDWR | O_APPEND | O_CREAT;
    case FileSystem::Open::kCreateEmpty:
      return O_RDWR | O_APPEND | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, Open how, uint32_t permissions) {
  const int descriptor = uninterrupted([&] { return ::open(path.c_str(), flagsOf(how) | O_CLOEXEC, permissions); });
  if (descriptor < 0) return failedCall("open", path);
  return std::make_unique<PosixFile>(descriptor, path);
}

bool PosixFileSystem::exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failedCall("rename", from + " to " + to);
  return {};
}

Status PosixFileSystem::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return failedCall("remove", path);
  return {};
}

Status PosixFileSystem::makeDir(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0) return {};
  struct stat status {};
  if (errno == EEXIST && stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    errno = EEXIST;
  }
  return failedCall("mkdir", path);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& dir) {
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(dir.c_str()), closedir);
  if (!open) return failedCall("opendir", dir);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(open.get());
    if (entry == nullptr) break;
    if (std::string_view name = entry->d_name; name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failedCall("readdir", dir);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  class Lock final : public FileLock {
   public:
    explicit Lock(int descriptor) : descriptor_(descriptor) {}
    ~Lock() override { close(descriptor_); }

   private:
    const int descriptor_;
  };
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return failedCall("open", path);
  auto held = std::make_unique<Lock>(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return failedCall("flock", path);
  return held;
}

Status PosixFileSystem::syncDir(const std::string& dir) {
  const int descriptor = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failedCall("open", dir);
  const int result = uninterrupted([&] { return fsync(descriptor); });
  const int error = errno;
  close(descriptor);
  errno = error;
  // Some file systems cannot sync a folder and say EINVAL: there is nothing more to be done on them.
  if (result != 0 && error != EINVAL) return failedCall("fsync", dir);
  return {};
}

}  // namespace vigil::runtime
