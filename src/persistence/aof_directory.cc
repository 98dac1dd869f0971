#include "persistence/aof_directory.h"

#include <algorithm>
#include <utility>

#include "base/log_line.h"

namespace vigil::persistence {

using wire::AofFileInfo;
using wire::AofFileType;
using wire::AofManifest;

AofDirectory::AofDirectory(FileSystem& files, Logger& logger, std::string folder, std::string fileName)
    : files_(files), logger_(logger), folder_(std::move(folder)), fileName_(std::move(fileName)) {}

std::string AofDirectory::nextBaseName(bool rdb) const {
  return wire::aofBaseName(fileName_, manifest_.baseSequence() + 1, rdb);
}
std::string AofDirectory::nextIncrementName() const {
  return wire::aofIncrementalName(fileName_, manifest_.incrementalSequence() + 1);
}

Status AofDirectory::makeFolder() {
  if (auto made = files_.makeDir(folder_); !made) {
    return fail("Can't open or create append-only dir " + folder_ + ": " + made.error().message, made.error().code);
  }
  // Else a power loss takes the folder with all that was synced in it.
  return files_.syncDir(".");
}

Status AofDirectory::store(AofManifest next) {
  const std::string name = wire::aofManifestName(fileName_);
  const std::string content = wire::formatAofManifest(next);
  if (auto stored = replaceFileDurably(files_, path(name), content); !stored) {
    auto found = readWholeFile(files_, path(name));
    inDoubt_ = inDoubt_ || (files_.exists(path(name)) && (!found || *found == content));
    return fail("Error trying to write the AOF manifest file " + name + ": " + stored.error().message,
                stored.error().code);
  }
  manifest_ = std::move(next);
  inDoubt_ = false;
  return {};
}

Status AofDirectory::settle() { return inDoubt_ ? store(manifest_) : Status(); }

Status AofDirectory::open() {
  const std::string name = wire::aofManifestName(fileName_);
  manifest_ = {};
  if (files_.exists(path(name))) {
    auto content = readWholeFile(files_, path(name));
    if (!content) {
      return fail("Fatal error: can't open the AOF manifest file " + name + " for reading: " + content.error().message);
    }
    auto parsed = wire::parseAofManifest(*content);
    if (!parsed) {
      return fail("*** FATAL AOF MANIFEST FILE ERROR ***\n" + parsed.error().message + " (manifest file " + path(name) +
                  ")");
    }
    manifest_ = std::move(*parsed);
    // Its name may be in the page cache only, left by a process that died before it had synced the folder: what goes
    // into the files from now on must not depend on that.
    if (auto synced = files_.syncDir(folder_); !synced) return synced;
  }
  inDoubt_ = false;
  // An interrupted upgrade left the manifest naming the old file, which was not moved yet.
  const bool halfUpgraded = manifest_.base && manifest_.base->name == fileName_ && manifest_.incremental.empty() &&
                            !files_.exists(path(fileName_));
  if (files_.exists(fileName_) && (empty() || halfUpgraded)) return upgradeOldFile();
  return {};
}

Status AofDirectory::upgradeOldFile() {
  // A folder of that name is not an old AOF.
  if (auto list = files_.list(fileName_); list) return {};
  if (auto made = makeFolder(); !made) return made;
  AofManifest next;
  next.base = AofFileInfo{fileName_, 1, AofFileType::kBase};
  if (auto stored = store(std::move(next)); !stored) return stored;
  if (auto moved = files_.rename(fileName_, path(fileName_)); !moved) {
    return fail("Error trying to move the old AOF file " + fileName_ + " into dir " + folder_ + ": " +
                moved.error().message);
  }
  if (auto synced = files_.syncDir(folder_); !synced) return synced;
  if (auto synced = files_.syncDir("."); !synced) return synced;
  logger_.notice("Successfully migrated an old-style AOF file (" + fileName_ + ") into the AOF directory (" + folder_ +
                 ").");
  return {};
}

Result<std::unique_ptr<AofIncrement>> AofDirectory::openIncrement(const std::string& name) {
  auto file = files_.open(path(name), FileSystem::Open::kAppendOrCreate);
  if (!file) {
    return fail("Can't open the append-only file " + name + ": " + file.error().message, file.error().code);
  }
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  return std::make_unique<AofIncrement>(std::move(*file), name, *size);
}

Result<std::unique_ptr<AofIncrement>> AofDirectory::openLastIncrement() {
  if (manifest_.incremental.empty()) return addIncrement();
  return openIncrement(manifest_.incremental.back().name);
}

Result<std::unique_ptr<AofIncrement>> AofDirectory::createIncrement() {
  if (auto settled = settle(); !settled) return std::unexpected(settled.error());
  if (auto made = makeFolder(); !made) return std::unexpected(made.error());
  const std::string name = nextIncrementName();
  // A file that a crash left before it came into the manifest holds nothing that counts.
  auto file = files_.open(path(name), FileSystem::Open::kCreateEmpty);
  if (!file) {
    return fail("Can't open the append-only file " + name + ": " + file.error().message, file.error().code);
  }
  return std::make_unique<AofIncrement>(std::move(*file), name, 0);
}

Status AofDirectory::addToManifest(const std::string& increment) {
  AofManifest next = manifest_;
  next.incremental.push_back({increment, manifest_.incrementalSequence() + 1, AofFileType::kIncremental});
  return store(std::move(next));
}

Result<std::unique_ptr<AofIncrement>> AofDirectory::addIncrement() {
  auto created = createIncrement();
  if (!created) return created;
  if (auto added = addToManifest((*created)->name()); !added) return std::unexpected(added.error());
  return created;
}

Status AofDirectory::replaceBase(bool rdb, const std::string& firstIncrement) {
  if (auto settled = settle(); !settled) return settled;
  const std::string name = nextBaseName(rdb);
  if (auto renamed = files_.rename(temporaryBasePath(), path(name)); !renamed) return renamed;
  AofManifest next;
  next.base = AofFileInfo{name, manifest_.baseSequence() + 1, AofFileType::kBase};
  next.history = manifest_.history;
  auto retire = [&next](AofFileInfo info) {
    info.type = AofFileType::kHistory;
    next.history.push_back(std::move(info));
  };
  if (manifest_.base) retire(*manifest_.base);
  bool keep = false;
  for (const AofFileInfo& info : manifest_.incremental) {
    keep = keep || info.name == firstIncrement;
    if (keep) {
      next.incremental.push_back(info);
    } else {
      retire(info);
    }
  }
  return store(std::move(next));
}

Result<std::unique_ptr<AofIncrement>> AofDirectory::openTemporaryIncrement() {
  if (auto made = makeFolder(); !made) return std::unexpected(made.error());
  const std::string name = "temp-" + fileName_ + "." + std::to_string(++temporaries_) + ".incr";
  auto file = files_.open(path(name), FileSystem::Open::kCreateEmpty);
  if (!file) {
    return fail("Can't open the append-only file " + name + ": " + file.error().message, file.error().code);
  }
  return std::make_unique<AofIncrement>(std::move(*file), name, 0);
}

Status AofDirectory::startOver(bool rdb, AofIncrement& increment) {
  if (auto settled = settle(); !settled) return settled;
  const std::string base = nextBaseName(rdb);
  const std::string name = nextIncrementName();
  if (auto renamed = files_.rename(path(increment.name()), path(name)); !renamed) return renamed;
  increment.setName(name);
  if (auto renamed = files_.rename(temporaryBasePath(), path(base)); !renamed) return renamed;
  AofManifest next;
  next.base = AofFileInfo{base, manifest_.baseSequence() + 1, AofFileType::kBase};
  next.history = manifest_.history;
  if (manifest_.base) next.history.push_back(*manifest_.base);
  for (const AofFileInfo& info : manifest_.incremental) next.history.push_back(info);
  for (AofFileInfo& info : next.history) info.type = AofFileType::kHistory;
  next.incremental.push_back({name, manifest_.incrementalSequence() + 1, AofFileType::kIncremental});
  return store(std::move(next));
}

Status AofDirectory::removeHistory() {
  if (manifest_.history.empty()) return {};
  AofManifest next = manifest_;
  std::erase_if(next.history, [this](const AofFileInfo& info) {
    logger_.notice("Removing the history file " + info.name + " in the background");
    return files_.remove(path(info.name)).has_value() || !files_.exists(path(info.name));
  });
  return store(std::move(next));
}

}  // namespace vigil::persistence
