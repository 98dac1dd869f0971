// Port FileSystem over a simulated disk: one per host, it outlives the processes on it.
//
// What a process wrote is in the page cache: it survives the process, not the machine. A power loss leaves of each
// file what was synced, plus any part of the rest, its last piece perhaps torn; and of the changes to names (creation,
// rename, removal, folders) those whose folder was synced, plus a part of the rest in the order they were made. After a
// failed fsync the kernel has dropped what it could not write: a later fsync that succeeds does not bring it back.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ports/files.h"
#include "sim/sim_process.h"

namespace vigil::sim {

struct DiskFaults {
  double writeError = 0;  // of appends
  double syncError = 0;   // of file and folder syncs
  double slowSync = 0;    // of file syncs: takes up to
  SimTime slowMost = 3 * kSecond;
  double death = 0;      // of calls that change something: the process dies in it
  double powerLoss = 0;  // of deaths: with the whole machine
  uint64_t capacity = UINT64_MAX;
};

class SimDisk {
 public:
  explicit SimDisk(SimWorld& world) : world_(world) {}

  DiskFaults faults;
  double blankTail = 0;  // of torn files: their last piece is zeros, as file systems leave that do not order writes

  // What the death of the process that used it means for the disk.
  void processDied(Death how) { how == Death::kPowerLoss ? losePower() : processKilled(); }
  // The machine lost power: what was not durable goes, wholly or in part.
  void losePower();
  // The process that wrote is gone, the page cache is not: what a failed fsync dropped counts as unsynced again. (It is
  // not, on a real disk, but no program that starts then can know it.)
  void processKilled();
  uint64_t used() const;
  // A file that was there, durably, before anything ran.
  void install(const std::string& path, std::string content);
  // Files as they are now, for checkers.
  std::vector<std::string> names() const;
  std::string content(const std::string& path) const;
  bool exists(const std::string& path) const { return now_.files.contains(path); }

 private:
  friend class SimFile;
  friend class SimFileSystem;

  struct Inode {
    std::string content;
    size_t synced = 0;                               // this prefix is durable
    std::optional<std::string> beforeTruncate;       // what the disk holds until a truncation is synced
    std::vector<std::pair<size_t, size_t>> dropped;  // from, to: lost by a failed fsync, whatever a later one said
  };
  using InodePtr = std::shared_ptr<Inode>;
  struct NameChange {
    std::string dir;  // whose sync makes it durable
    std::string path;
    InodePtr inode;  // null: removed
    bool folder = false;
    std::string renamedFrom = {};  // goes in the same change
  };
  struct Names {
    std::map<std::string, InodePtr> files;
    std::set<std::string> folders;
    void apply(const NameChange& change);
  };

  void change(const std::string& path, InodePtr inode, bool folder = false, std::string renamedFrom = {});
  void tear(Inode& inode);

  SimWorld& world_;
  Names now_;
  Names durable_;
  std::vector<NameChange> pending_;
};

class SimFileSystem final : public FileSystem {
 public:
  SimFileSystem(SimDisk& disk, ProcessPtr process) : disk_(disk), process_(std::move(process)) {}

  Result<std::unique_ptr<File>> open(const std::string& path, Open how, uint32_t permissions) override;
  bool exists(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status makeDir(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& dir) override;
  Status syncDir(const std::string& dir) override;

 private:
  SimDisk& disk_;
  const ProcessPtr process_;
};

}  // namespace vigil::sim
