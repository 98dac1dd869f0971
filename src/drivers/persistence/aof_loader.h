// Loads an append-only log at start: the base into the keyspace, then the incremental files as commands, a batch of
// them in each exclusive moment, so that clients are answered in between (with LOADING).
//
//   executor:  open a file -> read and check a batch -> … -> next file -> done
//   world:                        execute it ^
//
// The loops run. Nothing enters the log meanwhile. Held by shared_ptr until it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ports/clock.h"
#include "base/ports/executor.h"
#include "base/result.h"
#include "command/context.h"
#include "drivers/persistence/aof_options.h"
#include "engine/session.h"
#include "persistence/aof_directory.h"
#include "persistence/aof_reader.h"

namespace vigil::engine {
class Engine;
}
namespace vigil::keyspace {
class Keyspace;
}

namespace vigil::drivers {

class RdbDriver;

struct AofLoadOutcome {
  bool resumable = false;  // the files say of which history their end is
  persistence::AofHead position;
  oplog::History history;  // position.history and its past; id empty: unknown
  std::shared_ptr<persistence::AofLogTail> tail;  // the last bytes of the log up to there
  uint64_t baseSize = 0;
  uint64_t incrementSize = 0;  // of all incremental files
};

class AofLoader : public std::enable_shared_from_this<AofLoader> {
 public:
  // `done` is called on the executor, unless the RdbDriver stops before. An error was logged where more than its text
  // is to be said.
  using Done = std::move_only_function<void(Result<AofLoadOutcome>)>;

  AofLoader(engine::Engine& engine, persistence::AofDirectory& directory, const AofOptions& options,
            const RdbDriver& rdb, SerialExecutor& executor);
  ~AofLoader();
  void load(Done done);  // on the executor

 private:
  struct Source {
    std::string name;
    bool base = false;
    uint64_t size = 0;
  };
  struct Prepared {
    command::Args args;
    std::vector<std::string_view> note;  // else the args are the file's
    const command::CommandEntry* entry = nullptr;
    size_t keyArgument = 0;
    uint64_t hash = 0;
  };

  Status findSources();
  void openNext();
  Status openSource();
  Result<uint64_t> loadRdb();
  void startReader(uint64_t from);
  void readMore();
  void executeBatch();  // world held
  bool prepare(const persistence::AofReader::Command& command, Prepared& prepared);
  Status fileEnded();
  Status checkHole();
  bool belongsHere(const Prepared& prepared);
  Status keepDamaged(const persistence::AofFileEnd& end);
  Status cutTail(uint64_t at);
  std::string unknownCommand(const persistence::AofReader::Command& command) const;
  bool isLast() const { return current_ == last_; }
  void refuse(Error error);
  void finish();

  engine::Engine& engine_;
  persistence::AofDirectory& directory_;
  const AofOptions& options_;
  const RdbDriver& rdb_;
  SerialExecutor& executor_;
  Done done_;

  std::vector<Source> sources_;
  size_t current_ = 0;
  size_t last_ = 0;  // the last one that is not empty
  std::unique_ptr<File> file_;
  std::unique_ptr<keyspace::Keyspace> loaded_;  // from the base's RDB, to be taken over
  std::unique_ptr<persistence::AofReader> reader_;
  engine::Session session_;
  std::vector<Prepared> prepared_;
  std::string failure_;  // of the batch
  persistence::AofHead next_;  // of the file behind the current one; history empty: there is none that goes on
  bool passedOver_ = false;
  bool hole_ = false;          // between two files: what is loaded continues no history
  MonoUs began_ = 0, fileBegan_ = 0;
  AofLoadOutcome outcome_;
};

}  // namespace vigil::drivers
