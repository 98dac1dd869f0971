// nodes.conf on the disk: locked while this process lives, replaced atomically, durable before it is said so.
//
// load() before the loops run; the rest on the control thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/ports/event_loop.h"
#include "base/ports/executor.h"
#include "base/ports/files.h"
#include "base/ports/system.h"
#include "base/result.h"
#include "wire/nodes_conf.h"

namespace vigil::drivers {

class NodesFile {
 public:
  NodesFile(const System& system, std::string path);
  ~NodesFile();

  // Takes the lock and reads; nullopt: there is no such file yet. The error is for the log.
  Result<std::optional<wire::NodesConf>> load();

  // Writes `text` on another thread; `saved` is called back on `loop`. Texts given meanwhile wait their turn.
  void save(EventLoop& loop, std::string text, std::function<void(Status)> saved);
  Status saveNow(const std::string& text);  // before the loops run
  void stop() { writer_.reset(); }          // the loops have stopped

 private:
  FileSystem& files_;
  const std::string path_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<FileLock> fileLock_;  // of the file itself, for redis-server
  std::unique_ptr<SerialExecutor> writer_;
};

}  // namespace vigil::drivers
