#include "drivers/cluster/nodes_file.h"

#include <cerrno>
#include <system_error>

namespace vigil::drivers {

NodesFile::NodesFile(const System& system, std::string path)
    : files_(system.files), path_(std::move(path)), writer_(system.tasks.makeSerial("vigil-nodes", Urgency::kPrompt)) {}

NodesFile::~NodesFile() = default;

Result<std::optional<wire::NodesConf>> NodesFile::load() {
  // Of its own kind, since the file itself is replaced with each save.
  const std::string lockPath = path_ + ".lock";
  for (auto& [path, held] : {std::pair<const std::string&, std::unique_ptr<FileLock>&>{lockPath, lock_}, {path_, fileLock_}}) {
    auto lock = files_.lock(path);
    if (!lock && lock.error().code != EWOULDBLOCK) {
      return fail("Can't open " + path +
                  " in order to acquire a lock: " + std::generic_category().message(lock.error().code));
    }
    if (!lock) {
      return fail("Sorry, the cluster configuration file " + path_ +
                  " is already used by a different Redis Cluster node. Please make sure that different nodes use "
                  "different cluster configuration files. (" + lock.error().message + ")");
    }
    held = std::move(*lock);
  }
  if (!files_.exists(path_)) return std::nullopt;
  auto text = readWholeFile(files_, path_);
  if (!text) return fail("Loading the cluster node config from " + path_ + ": " + text.error().message);
  if (text->empty()) return std::nullopt;
  auto conf = wire::parseNodesConf(*text);
  if (!conf) return fail("Unrecoverable error: corrupted cluster config file \"" + path_ + "\", " + conf.error().message);
  return *std::move(conf);
}

Status NodesFile::saveNow(const std::string& text) {
  if (auto saved = replaceFileDurably(files_, path_, text); !saved) return saved;
  // A redis-server in the same folder heeds no lock but that of the file, which is a new one. Where it cannot be had, this
  // process still keeps out its own kind by the other lock, and the file is saved all the same.
  if (auto lock = files_.lock(path_)) fileLock_ = std::move(*lock);
  return {};
}

void NodesFile::save(EventLoop& loop, std::string text, std::function<void(Status)> saved) {
  writer_->submit([this, &loop, text = std::move(text), saved = std::move(saved)]() mutable {
    Status status = saveNow(text);
    loop.post([saved = std::move(saved), status = std::move(status)]() mutable { saved(std::move(status)); });
  });
}

}  // namespace vigil::drivers
