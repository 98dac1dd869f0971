#include "drivers/persistence/aof_loader.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/simulation.h"
#include "command/command_table.h"
#include "command/log_note.h"
#include "drivers/persistence/rdb_driver.h"
#include "engine/engine.h"
#include "engine/worker.h"
#include "keyspace/keyspace.h"
#include "persistence/aof_log_tail.h"
#include "persistence/rdb_load.h"

namespace vigil::drivers {

using persistence::AofFileEnd;
using persistence::AofHead;
using persistence::AofReader;

namespace {

constexpr size_t kCopyPiece = 1 << 16;
constexpr size_t kPrefetch = 32;  // commands whose keys are looked for ahead

std::string seconds(MonoUs microseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f seconds", static_cast<double>(microseconds) / 1e6);
  return text;
}

// The head with which an incremental file begins; an empty history if it has none.
AofHead headOf(File& file) {
  std::string text(persistence::kMaxAnnotation, '\0');
  auto got = file.readAt(0, text);
  if (!got) return {};
  text.resize(*got);
  auto annotation = persistence::parseAnnotation(std::string_view(text).substr(0, text.find('\r')));
  auto* head = std::get_if<AofHead>(&annotation);
  return head ? *head : AofHead{};
}

}  // namespace

AofLoader::AofLoader(engine::Engine& engine, persistence::AofDirectory& directory, const AofOptions& options,
                     const RdbDriver& rdb, SerialExecutor& executor)
    : engine_(engine), directory_(directory), options_(options), rdb_(rdb), executor_(executor) {
  outcome_.tail = std::make_shared<persistence::AofLogTail>(engine.log().backlogSize());
  session_.fromMaster = true;  // nothing expires on its own account, nothing is logged
}

AofLoader::~AofLoader() = default;

void AofLoader::load(Done done) {
  done_ = std::move(done);
  began_ = engine_.system().clock.mono();
  if (auto found = findSources(); !found) return refuse(found.error());
  openNext();
}

Status AofLoader::findSources() {
  const auto& manifest = directory_.manifest();
  if (manifest.base) sources_.push_back({manifest.base->name, true});
  for (const auto& info : manifest.incremental) sources_.push_back({info.name});
  for (Source& source : sources_) {
    auto file = engine_.system().files.open(directory_.path(source.name), FileSystem::Open::kRead);
    if (!file) {
      return fail("Fatal error: can't open the append log file " + source.name +
                  " for reading: " + file.error().message);
    }
    auto size = (*file)->size();
    if (!size) return fail("Unable to obtain the AOF file " + source.name + " length. stat: " + size.error().message);
    source.size = *size;
    if (source.size != 0) last_ = static_cast<size_t>(&source - sources_.data());
    (source.base ? outcome_.baseSize : outcome_.incrementSize) += source.size;
  }
  return {};
}

void AofLoader::refuse(Error error) {
  if (error.code == ECANCELED) return;  // the loops have stopped, nobody waits for the outcome
  done_(std::unexpected(std::move(error)));
}

// The file goes on no further than some place of its history, and the next one begins behind that.
Status AofLoader::checkHole() {
  const AofFileEnd& end = reader_->end();
  const Source& source = sources_[current_];
  const bool sameHistory = !next_.history.empty() && end.position.history == next_.history && !end.edited;
  if (!sameHistory || end.position.offset >= next_.offset) return {};
  if (end.validTo < source.size) return fail("Fatal error: the truncated file " + source.name + " is not the last file");
  engine_.logger().warning("The AOF file " + source.name + " ends at offset " + std::to_string(end.position.offset) +
                           " of its replication history, and the next one begins at " + std::to_string(next_.offset) +
                           ": what was between them is lost. A new history begins, so that replicas get a full resync.");
  hole_ = true;
  return {};
}

void AofLoader::finish() {
  if (hole_) outcome_.resumable = false;
  engine_.logger().notice("DB loaded from append only file: " + seconds(engine_.system().clock.mono() - began_));
  done_(outcome_);
}

void AofLoader::openNext() {
  if (current_ == sources_.size()) return finish();
  if (auto opened = openSource(); !opened) return refuse(opened.error());
  if (!loaded_) return readMore();
  engine_.withWorld([self = shared_from_this()] {
    self->engine_.keyspace().replaceAll(*self->loaded_);
    self->engine_.dataReplaced();
    self->executor_.submit([self] {
      self->loaded_.reset();
      self->readMore();
    });
  });
}

Status AofLoader::openSource() {
  const Source& source = sources_[current_];
  fileBegan_ = engine_.system().clock.mono();
  auto file = engine_.system().files.open(directory_.path(source.name), FileSystem::Open::kAppendOrCreate);
  if (!file) return std::unexpected(file.error());
  file_ = std::move(*file);
  uint64_t from = 0;
  if (source.base) {
    char signature[5];
    auto got = file_->readAt(0, signature);
    if (got && *got == sizeof signature && std::string_view(signature, sizeof signature) == "REDIS") {
      auto behind = loadRdb();
      if (!behind) return std::unexpected(behind.error());
      from = *behind;
    }
  }
  startReader(from);
  return {};
}

Result<uint64_t> AofLoader::loadRdb() {
  const Source& source = sources_[current_];
  const bool modern = source.name.ends_with(".rdb");
  Logger& logger = engine_.logger();
  logger.notice(modern ? "Reading RDB base file on AOF loading..." : "Reading RDB preamble from AOF file...");
  loaded_ = std::make_unique<keyspace::Keyspace>(engine_.keyspace().options());
  auto options = rdb_.loadOptions(source.size);
  options.dropExpired = false;  // the increments decide
  persistence::RdbLoader loader(*loaded_, options);
  auto behind = persistence::loadRdbFile(loader, *file_, [this](uint64_t) { return rdb_.goesOn(); });
  if (!behind && behind.error().code == ECANCELED) return behind;
  rdb_.logOrigin(loader.aux());
  if (!behind) {
    logger.warning(behind.error().message);
    return fail(modern ? "Error reading the RDB base file " + source.name + ", AOF loading aborted"
                       : "Error reading the RDB preamble of the AOF file " + source.name + ", AOF loading aborted");
  }
  rdb_.logLoaded(loader);
  if (*behind < source.size) logger.notice("Reading the remaining AOF tail...");
  return *behind;
}

void AofLoader::startReader(uint64_t from) {
  next_ = {};
  // After a failed sync the next file goes on before this one's end, of which nothing can be trusted from there.
  for (size_t i = current_ + 1; i < sources_.size() && next_.history.empty(); ++i) {
    auto file = engine_.system().files.open(directory_.path(sources_[i].name), FileSystem::Open::kRead);
    if (file) next_ = headOf(**file);
  }
  const bool limited = !next_.history.empty();
  reader_ = std::make_unique<AofReader>(*file_, from, next_.history, limited ? next_.offset : AofReader::kNoLimit);
  reader_->keepTail(outcome_.tail.get());
  reader_->goesOnFrom(outcome_.history, outcome_.position.offset);
  session_.db = 0;
}

void AofLoader::readMore() {
  for (;;) {
    auto more = reader_->next();
    if (!more) return refuse(more.error());
    if (*more) {
      engine_.withWorld([self = shared_from_this()] {
        self->executeBatch();
        self->executor_.submit([self] { self->readMore(); });
      });
      return;
    }
    if (!failure_.empty()) return refuse({failure_});
    if (auto ended = fileEnded(); !ended) return refuse(ended.error());
    ++current_;
    return openNext();
  }
}

bool AofLoader::prepare(const AofReader::Command& command, Prepared& prepared) {
  prepared = {};
  prepared.note = command::noteWords(command.args);
  prepared.args = prepared.note.empty() ? command.args : prepared.note;
  const command::Args args = prepared.args;
  prepared.entry = engine_.commands().findLogged(args[0]);
  if (!prepared.entry) return false;
  const auto& keys = prepared.entry->spec->keys;
  if (keys.size() == 1 && keys.front().begin == command::KeySpec::Begin::kIndex &&
      static_cast<size_t>(keys.front().index) < args.size()) {
    prepared.keyArgument = static_cast<size_t>(keys.front().index);
    prepared.hash = engine_.keyspace().hashOf(args[prepared.keyArgument]);
    engine_.keyspace().prefetchBucket(session_.db, prepared.hash);
  } else if (!prepared.entry->spec->subcommands.empty() && args.size() > 1) {
    if (const auto* sub = prepared.entry->subcommand(args[1])) prepared.entry = sub;
  }
  return prepared.entry->spec->handler != nullptr;
}

void AofLoader::executeBatch() {
  engine::Execution& execution = engine_.worker(0).execution();
  const UnixMs now = engine_.system().clock.wall() / 1000;
  execution.locks().setWorld(true);
  auto commands = reader_->commands();
  prepared_.resize(kPrefetch);
  while (!commands.empty() && failure_.empty()) {
    const size_t count = std::min(commands.size(), kPrefetch);
    for (size_t i = 0; i < count; ++i) {
      if (prepare(commands[i], prepared_[i])) continue;
      failure_ = unknownCommand(commands[i]);
      break;
    }
    if (!failure_.empty()) break;
    for (size_t i = 0; i < count; ++i) {
      if (prepared_[i].keyArgument != 0) engine_.keyspace().prefetchEntry(session_.db, prepared_[i].hash);
    }
    for (size_t i = 0; i < count; ++i) {
      const command::Args args = prepared_[i].args;
      const command::CommandSpec& spec = *prepared_[i].entry->spec;
      if (!prepared_[i].entry->takes(args.size())) continue;  // an error, as it was when logged
      if (!belongsHere(prepared_[i])) continue;
      execution.begin(now, false);
      execution.run(session_, *prepared_[i].entry, args, session_.reply, prepared_[i].keyArgument, prepared_[i].hash);
      execution.finish();
      if (spec.name == "select" && std::to_string(session_.db) != args[1]) [[unlikely]] {
        failure_ = "The append only file " + sources_[current_].name + " selects the database " + std::string(args[1].substr(0, 32)) +
                   ", and there are only " + std::to_string(engine_.keyspace().databaseCount()) +
                   " (databases). Nothing is loaded.";
        break;
      }
    }
    session_.out.clear();  // nobody reads the replies
    commands = commands.subspan(count);
  }
  execution.locks().setWorld(false);
}

// What writes nothing, and asks for a client that is not there or changes the server, never was in a log: it is passed over.
bool AofLoader::belongsHere(const Prepared& prepared) {
  const command::CommandSpec& spec = *prepared.entry->spec;
  const std::string& name = prepared.entry->fullName;
  const bool plain = (spec.flags & (command::kWrite | command::kMayReplicate)) != 0 || !prepared.note.empty() ||
                     name == "select" || name == "multi" || name == "exec";
  if (!plain && (spec.flags & command::kAdmin) != 0 && name != "replconf" && !std::exchange(passedOver_, true)) {
    engine_.logger().warning("The append only file " + sources_[current_].name + " holds the command '" + name +
                             "', which changes no data. Such commands are not run.");
  }
  return plain;
}

std::string AofLoader::unknownCommand(const AofReader::Command& command) const {
  std::string text = "Unknown command '" + std::string(command.args[0].substr(0, 128)) +
                     "' reading the append only file " + sources_[current_].name;
  if (command.args.size() > 1) text += " (key '" + std::string(command.args[1].substr(0, 128)) + "')";
  return text + ". Nothing is loaded: this version does not have the command, or the file is not an AOF.";
}

Status AofLoader::fileEnded() {
  const AofFileEnd& end = reader_->end();
  const Source& source = sources_[current_];
  Logger& logger = engine_.logger();
  if (end.insideTransaction) logger.warning("Revert incomplete MULTI/EXEC transaction in AOF file " + source.name);
  if (end.kind == AofFileEnd::Kind::kDamaged && !(end.tornTail && isLast() && options_.loadTruncated.load())) {
    return fail("Bad file format reading the append only file " + source.name +
                ": make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest> (" +
                end.problem + ", at offset " + std::to_string(end.damagedAt) + ")");
  }
  if (end.kind == AofFileEnd::Kind::kWhole) {
    if (auto checked = checkHole(); !checked) return checked;
  } else {
    if (!isLast()) return fail("Fatal error: the truncated file " + source.name + " is not the last file");
    if (!options_.loadTruncated.load()) {
      return fail("Unexpected end of file reading the append only file " + source.name +
                  ". You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix "
                  "<filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to "
                  "yes and restart the server.");
    }
    if (end.kind == AofFileEnd::Kind::kDamaged) {
      if (auto kept = keepDamaged(end); !kept) return kept;
    }
    if (auto cut = cutTail(end.validTo); !cut) return cut;
  }
  if (end.edited) {
    logger.warning("Somebody changed the AOF file " + source.name +
                   ": it is loaded as it is, and begins a new replication history.");
  }
  if (source.size != 0) {
    outcome_.resumable = !source.base && end.resumable;
    outcome_.position = end.position;
    outcome_.history = source.base ? oplog::History() : end.history;
  }
  logger.notice("DB loaded from " + std::string(source.base ? "base" : "incr") + " file " + source.name + ": " +
                seconds(engine_.system().clock.mono() - fileBegan_));
  return {};
}

// What lies behind damage was never durable: a power cut may leave it so. But some of it may be whole, and somebody may
// want it back: it stays, in a file of its own.
Status AofLoader::keepDamaged(const AofFileEnd& end) {
  const Source& source = sources_[current_];
  const std::string path = directory_.path(source.name) + ".cut-at-" + std::to_string(end.validTo);
  auto failed = [&](const Error& error) {
    return fail("Cannot keep what is cut off the damaged AOF file " + source.name + ", in " + path + ": " + error.message);
  };
  auto into = engine_.system().files.open(path, FileSystem::Open::kCreateEmpty);
  if (!into) return failed(into.error());
  std::string chunk(kCopyPiece, '\0');
  for (uint64_t at = end.validTo;;) {
    const auto got = file_->readAt(at, chunk);
    if (!got) return failed(got.error());
    if (*got == 0) break;
    if (auto put = (*into)->append(std::string_view(chunk).substr(0, *got)); !put) return failed(put.error());
    at += *got;
  }
  if (auto synced = (*into)->sync(); !synced) return failed(synced.error());
  engine_.logger().warning("!!! The AOF file " + source.name + " is damaged at offset " + std::to_string(end.damagedAt) + " (" +
                           end.problem + "). Nothing behind that had been durable when the server stopped. What is cut off is kept in " +
                           path);
  return {};
}

Status AofLoader::cutTail(uint64_t at) {
  const Source& source = sources_[current_];
  Logger& logger = engine_.logger();
  logger.warning("!!! Warning: short read while loading the AOF file " + source.name + "!!!");
  logger.warning("AOF loaded anyway because aof-load-truncated is enabled");
  logger.warning("!!! Truncating the AOF " + source.name + " at offset " + std::to_string(at) + " !!!");
  if (auto cut = planted(PlantedBug::kTornTailKept) ? Status() : file_->truncate(at); !cut) {
    return fail("Error truncating the AOF file " + source.name + ": " + cut.error().message);
  }
  outcome_.incrementSize -= source.base ? 0 : source.size - at;
  logger.warning("AOF " + source.name + " loaded anyway because aof-load-truncated is enabled");
  return {};
}

}  // namespace vigil::drivers
