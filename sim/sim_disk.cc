#include "sim/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vigil::sim {

namespace {

// "./a//b" and "a/b" are one name; the folder of the process is "".
std::string normal(const std::string& path) {
  std::string out;
  size_t at = 0;
  while (at < path.size()) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

std::string folderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::unexpected<Error> diskError(const char* call, const std::string& path, int error) {
  return fail(std::string(call) + " " + path + ": " + std::strerror(error), error);
}

}  // namespace

// Every call that changes something passes here: it costs time, and the process may die in it.
class DiskCall {
 public:
  static bool enter(SimDisk& disk, SimProcess& process, SimTime least, SimTime most) {
    if (!process.alive) return false;
    SimWorld& world = process.world;
    world.spend(world.random().skewed(least, most));
    if (!world.random().chance(disk.faults.death)) return true;
    process.trace("dies in a disk call");
    process.dieNow(world.random().chance(disk.faults.powerLoss) ? Death::kPowerLoss : Death::kKill);
    return false;
  }
};

// --- The disk itself -------------------------------------------------------------------------------------------

void SimDisk::Names::apply(const NameChange& change) {
  if (!change.renamedFrom.empty()) files.erase(change.renamedFrom);
  if (change.folder) {
    if (change.inode) {
      folders.insert(change.path);
    } else {
      folders.erase(change.path);
    }
  } else if (change.inode) {
    files[change.path] = change.inode;
  } else {
    files.erase(change.path);
  }
}

void SimDisk::change(const std::string& path, InodePtr inode, bool folder, std::string renamedFrom) {
  pending_.push_back({folderOf(path), path, std::move(inode), folder, std::move(renamedFrom)});
  now_.apply(pending_.back());
}

void SimDisk::tear(Inode& inode) {
  SimRandom& random = world_.random();
  if (inode.beforeTruncate && random.chance(0.5)) {
    inode.content = *inode.beforeTruncate;
    inode.synced = inode.content.size();
  } else if (inode.content.size() > inode.synced) {
    size_t tail = inode.content.size() - inode.synced;
    if (!inode.dropped.empty())
      tail = std::min(tail, inode.dropped.back().first - std::min(inode.dropped.back().first, inode.synced));
    size_t kept = random.chance(0.4) ? 0 : random.below(tail + 1);
    inode.content.resize(inode.synced + kept);
    if (kept > 0 && random.chance(blankTail)) {  // the size was written, the bytes were not
      size_t blank = 1 + random.below(kept);
      std::fill(inode.content.end() - static_cast<ptrdiff_t>(blank), inode.content.end(), '\0');
    }
  }
  for (auto [from, to] : inode.dropped) {
    for (size_t i = from; i < std::min(to, inode.content.size()); ++i) inode.content[i] = '\0';
  }
  inode.beforeTruncate.reset();
  inode.dropped.clear();
  inode.synced = inode.content.size();
}

void SimDisk::losePower() {
  // A journal: changes reach the disk in order, up to some moment.
  size_t reached = world_.random().below(pending_.size() + 1);
  for (size_t i = 0; i < reached; ++i) durable_.apply(pending_[i]);
  pending_.clear();
  std::erase_if(durable_.files, [&](const auto& file) {
    std::string folder = folderOf(file.first);
    return !folder.empty() && !durable_.folders.contains(folder);
  });
  now_ = durable_;
  for (auto& [path, inode] : now_.files) tear(*inode);
}

void SimDisk::processKilled() {
  for (auto& [path, inode] : now_.files) inode->dropped.clear();
}

uint64_t SimDisk::used() const {
  uint64_t total = 0;
  for (auto& [path, inode] : now_.files) total += inode->content.size();
  return total;
}

void SimDisk::install(const std::string& path, std::string content) {
  auto inode = std::make_shared<Inode>();
  inode->content = std::move(content);
  inode->synced = inode->content.size();
  now_.files[path] = durable_.files[path] = std::move(inode);
}

std::vector<std::string> SimDisk::names() const {
  std::vector<std::string> names;
  for (auto& [path, inode] : now_.files) names.push_back(path);
  return names;
}

std::string SimDisk::content(const std::string& path) const {
  auto at = now_.files.find(path);
  return at == now_.files.end() ? std::string() : at->second->content;
}

// --- Files -----------------------------------------------------------------------------------------------------

class SimFile final : public File {
 public:
  SimFile(SimDisk& disk, ProcessPtr process, std::string path, SimDisk::InodePtr inode)
      : disk_(disk), process_(std::move(process)), path_(std::move(path)), inode_(std::move(inode)) {}

  Result<size_t> readAt(uint64_t offset, std::span<char> into) override {
    if (!process_->alive) return diskError("read", path_, EIO);
    if (offset >= inode_->content.size()) return size_t{0};
    size_t size = std::min(into.size(), inode_->content.size() - static_cast<size_t>(offset));
    std::memcpy(into.data(), inode_->content.data() + offset, size);
    return size;
  }

  Status append(std::span<const std::string_view> pieces) override;
  Status sync() override;
  Result<uint64_t> size() override { return inode_->content.size(); }

  Status truncate(uint64_t size) override {
    if (!DiskCall::enter(disk_, *process_, 2, 100)) return diskError("ftruncate", path_, EIO);
    if (size < inode_->synced) {
      if (!inode_->beforeTruncate) inode_->beforeTruncate = inode_->content.substr(0, inode_->synced);
      inode_->synced = static_cast<size_t>(size);
    }
    inode_->content.resize(static_cast<size_t>(size));
    for (auto& [from, to] : inode_->dropped) to = std::min<size_t>(to, size);
    std::erase_if(inode_->dropped, [](const auto& range) { return range.first >= range.second; });
    return {};
  }

 private:
  SimDisk& disk_;
  const ProcessPtr process_;
  const std::string path_;
  const SimDisk::InodePtr inode_;
};

Status SimFile::append(std::span<const std::string_view> pieces) {
  std::string bytes;
  for (std::string_view piece : pieces) bytes += piece;
  SimRandom& random = disk_.world_.random();
  if (!process_->alive) return diskError("write", path_, EIO);
  if (!DiskCall::enter(disk_, *process_, 2, 300)) {
    inode_->content.append(bytes, 0, random.below(bytes.size() + 1));  // died in the middle of it
    return diskError("write", path_, EIO);
  }
  if (random.chance(disk_.faults.writeError)) {
    inode_->content.append(bytes, 0, random.below(bytes.size() + 1));
    process_->trace("write error on " + path_);
    return diskError("write", path_, EIO);
  }
  uint64_t used = disk_.used();
  uint64_t room = disk_.faults.capacity > used ? disk_.faults.capacity - used : 0;
  if (bytes.size() > room) {
    inode_->content.append(bytes, 0, static_cast<size_t>(room));
    process_->trace("disk full writing " + path_);
    return diskError("write", path_, ENOSPC);
  }
  inode_->content += bytes;
  return {};
}

Status SimFile::sync() {
  if (!DiskCall::enter(disk_, *process_, 100, 20 * kMs)) return diskError("fdatasync", path_, EIO);
  SimWorld& world = disk_.world_;
  if (world.random().chance(disk_.faults.slowSync)) world.spend(world.random().between(0, disk_.faults.slowMost));
  if (world.random().chance(disk_.faults.syncError)) {
    process_->trace("failed fsync of " + path_);
    inode_->dropped.emplace_back(inode_->synced, inode_->content.size());
    return diskError("fdatasync", path_, EIO);
  }
  inode_->synced = inode_->content.size();
  inode_->beforeTruncate.reset();
  return {};
}

Result<std::unique_ptr<File>> SimFileSystem::open(const std::string& asked, Open how, uint32_t) {
  std::string path = normal(asked);
  if (!process_->alive) return diskError("open", asked, EIO);
  auto at = disk_.now_.files.find(path);
  if (how == Open::kRead) {
    if (at == disk_.now_.files.end()) return diskError("open", asked, ENOENT);
    return std::make_unique<SimFile>(disk_, process_, path, at->second);
  }
  std::string folder = folderOf(path);
  if (!folder.empty() && !disk_.now_.folders.contains(folder)) return diskError("open", asked, ENOENT);
  if (!DiskCall::enter(disk_, *process_, 5, 500)) return diskError("open", asked, EIO);
  if (at == disk_.now_.files.end()) {
    auto inode = std::make_shared<SimDisk::Inode>();
    disk_.change(path, inode);
    return std::make_unique<SimFile>(disk_, process_, path, inode);
  }
  auto file = std::make_unique<SimFile>(disk_, process_, path, at->second);
  if (how == Open::kCreateEmpty) {
    if (auto s = file->truncate(0); !s) return std::unexpected(s.error());
  }
  return file;
}

bool SimFileSystem::exists(const std::string& asked) {
  std::string path = normal(asked);
  return path.empty() || disk_.now_.files.contains(path) || disk_.now_.folders.contains(path);
}

Status SimFileSystem::rename(const std::string& from, const std::string& to) {
  std::string source = normal(from), target = normal(to);
  if (!DiskCall::enter(disk_, *process_, 5, 500)) return diskError("rename", from, EIO);
  auto at = disk_.now_.files.find(source);
  if (at == disk_.now_.files.end()) return diskError("rename", from, ENOENT);
  disk_.change(target, at->second, false, source);
  return {};
}

Status SimFileSystem::remove(const std::string& asked) {
  std::string path = normal(asked);
  if (!DiskCall::enter(disk_, *process_, 5, 500)) return diskError("remove", asked, EIO);
  if (disk_.now_.files.contains(path)) {
    disk_.change(path, nullptr);
    return {};
  }
  if (disk_.now_.folders.contains(path)) {
    disk_.change(path, nullptr, true);
    return {};
  }
  return diskError("remove", asked, ENOENT);
}

Status SimFileSystem::makeDir(const std::string& asked) {
  std::string path = normal(asked);
  if (!DiskCall::enter(disk_, *process_, 5, 500)) return diskError("mkdir", asked, EIO);
  if (disk_.now_.files.contains(path)) return diskError("mkdir", asked, EEXIST);
  if (!path.empty() && !disk_.now_.folders.contains(path)) {
    disk_.change(path, std::make_shared<SimDisk::Inode>(), true);
  }
  return {};
}

Result<std::vector<std::string>> SimFileSystem::list(const std::string& asked) {
  std::string dir = normal(asked);
  if (!dir.empty() && !disk_.now_.folders.contains(dir)) return diskError("opendir", asked, ENOENT);
  std::set<std::string> names;
  auto add = [&](const std::string& path) {
    if (folderOf(path) == dir) names.insert(dir.empty() ? path : path.substr(dir.size() + 1));
  };
  for (auto& [path, inode] : disk_.now_.files) add(path);
  for (const std::string& path : disk_.now_.folders) add(path);
  return std::vector<std::string>(names.begin(), names.end());
}

Status SimFileSystem::syncDir(const std::string& asked) {
  std::string dir = normal(asked);
  if (!DiskCall::enter(disk_, *process_, 100, 10 * kMs)) return diskError("fsync", asked, EIO);
  if (disk_.world_.random().chance(disk_.faults.syncError)) {
    process_->trace("failed fsync of folder " + asked);
    return diskError("fsync", asked, EIO);
  }
  std::erase_if(disk_.pending_, [&](const SimDisk::NameChange& change) {
    if (change.dir != dir) return false;
    disk_.durable_.apply(change);
    return true;
  });
  return {};
}

}  // namespace vigil::sim
