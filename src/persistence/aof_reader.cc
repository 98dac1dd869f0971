#include "persistence/aof_reader.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "persistence/aof_log_tail.h"

namespace vigil::persistence {

namespace {

constexpr size_t kRead = 1 << 20;
constexpr size_t kGive = 1024;     // commands that are given at once
constexpr size_t kMaxNumber = 20;  // digits

}  // namespace

AofReader::AofReader(File& file, uint64_t from, std::string limitHistory, oplog::Offset limit)
    : file_(file), limitHistory_(std::move(limitHistory)), limit_(limit), base_(from) {}

Result<bool> AofReader::next() {
  if (!started_) {
    auto size = file_.size();
    if (!size) return std::unexpected(size.error());
    fileSize_ = *size;
    started_ = true;
  }
  for (;;) {
    bool more = !stopped_;
    while (more && readyCommands_ - givenCommands_ < kGive) more = parseItem() == Outcome::kItem && !stopped_;
    if (deliver()) return true;
    if (stopped_) return false;
    if (base_ + std::max(buffer_.size(), wanted_) > fileSize_ || base_ + buffer_.size() == fileSize_) {
      finish();
      continue;
    }
    if (auto filled = fill(); !filled) return std::unexpected(filled.error());
  }
}

bool AofReader::deliver() {
  if (readyCommands_ == givenCommands_) return false;
  commands_.clear();
  args_.clear();
  const size_t firstPiece = parsed_[givenCommands_].firstArg;
  const Parsed& last = parsed_[readyCommands_ - 1];
  args_.reserve(last.firstArg + last.args - firstPiece);
  for (size_t i = firstPiece; i < last.firstArg + last.args; ++i) args_.push_back(bytes(pieces_[i]));
  for (size_t i = givenCommands_; i < readyCommands_; ++i) {
    commands_.push_back({std::span(args_).subspan(parsed_[i].firstArg - firstPiece, parsed_[i].args)});
  }
  givenCommands_ = readyCommands_;
  given_ = ready_;
  return true;
}

void AofReader::dropGiven() {
  if (given_ == 0) return;
  buffer_.erase(0, given_);
  base_ += given_;
  size_t pieces = givenCommands_ < parsed_.size() ? parsed_[givenCommands_].firstArg : pieces_.size();
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(pieces));
  parsed_.erase(parsed_.begin(), parsed_.begin() + static_cast<ptrdiff_t>(givenCommands_));
  for (Piece& piece : pieces_) piece.at -= given_;
  for (Parsed& command : parsed_) command.firstArg -= pieces;
  readyCommands_ -= givenCommands_;
  wholeCommands_ -= givenCommands_;
  givenCommands_ = 0;
  ready_ -= given_;
  wholeTo_ -= given_;
  scanned_ -= given_;
  wanted_ -= std::min(wanted_, given_);
  crcFrom_ -= std::min(crcFrom_, given_);
  given_ = 0;
}

Status AofReader::fill() {
  dropGiven();
  // At least doubling what is held back keeps the whole linear, however long a unit is.
  const size_t old = buffer_.size();
  uint64_t want = std::max<uint64_t>({kRead, old, wanted_ > old ? wanted_ - old : 0});
  want = std::min<uint64_t>(want, fileSize_ - base_ - old);
  buffer_.resize(old + want);
  auto got = file_.readAt(base_ + old, {buffer_.data() + old, want});
  if (!got) return std::unexpected(got.error());
  buffer_.resize(old + *got);
  if (*got < want) fileSize_ = base_ + buffer_.size();
  return {};
}

// --- Parsing ---------------------------------------------------------------------------------------------------

AofReader::Outcome AofReader::parseItem() {
  if (scanned_ >= buffer_.size()) {
    wanted_ = scanned_ + 1;
    return Outcome::kNeedMore;
  }
  if (buffer_[scanned_] == '*') return parseCommand();
  if (buffer_[scanned_] == '#') return parseComment();
  return damaged(scanned_, "no command begins here");
}

AofReader::Outcome AofReader::parseComment() {
  std::string_view rest = std::string_view(buffer_).substr(scanned_, kMaxAnnotation);
  size_t length = rest.find('\n');
  if (length == std::string_view::npos) {
    if (rest.size() == kMaxAnnotation) return damaged(scanned_, "an annotation that does not end");
    wanted_ = scanned_ + rest.size() + 1;
    return Outcome::kNeedMore;
  }
  const size_t begin = scanned_;
  scanned_ += length + 1;
  std::string_view line = rest.substr(0, length);
  if (line.ends_with('\r')) line.remove_suffix(1);
  onAnnotation(line, begin, scanned_);
  return Outcome::kItem;
}

// A line of `type`, a number and \r\n at `at`.
AofReader::Outcome AofReader::parseNumber(char type, size_t& at, int64_t& number) {
  const char* const end = buffer_.data() + buffer_.size();
  const char* p = buffer_.data() + at;
  if (p == end) {
    wanted_ = at + 4;
    return Outcome::kNeedMore;
  }
  if (*p != type) return damaged(scanned_, std::string("'") + type + "' expected in a command");
  const char* const digits = ++p;
  number = 0;
  while (p < end && *p >= '0' && *p <= '9' && p < digits + kMaxNumber - 2) number = number * 10 + (*p++ - '0');
  if (end - p < 2) {
    wanted_ = at + static_cast<size_t>(end - p) + 2;
    return Outcome::kNeedMore;
  }
  if (p == digits || p[0] != '\r' || p[1] != '\n') return damaged(scanned_, "a length that is no number");
  at = static_cast<size_t>(p + 2 - buffer_.data());
  return Outcome::kItem;
}

AofReader::Outcome AofReader::parseCommand() {
  size_t at = scanned_;
  int64_t count = 0;
  if (auto got = parseNumber('*', at, count); got != Outcome::kItem) return got;
  if (count < 1) return damaged(scanned_, "a command of no arguments");
  const size_t firstArg = pieces_.size();
  for (int64_t i = 0; i < count; ++i) {
    int64_t length = 0;
    if (auto got = parseNumber('$', at, length); got != Outcome::kItem) {
      pieces_.resize(firstArg);
      return got;
    }
    const auto size = static_cast<size_t>(length);
    if (buffer_.size() - at < size + 2) {
      pieces_.resize(firstArg);
      wanted_ = at + size + 2;
      return Outcome::kNeedMore;
    }
    if (buffer_[at + size] != '\r' || buffer_[at + size + 1] != '\n') {
      pieces_.resize(firstArg);
      return damaged(scanned_, "an argument that does not end where its length says");
    }
    pieces_.push_back({at, size});
    at += size + 2;
  }
  scanned_ = at;
  onCommand(firstArg, at);
  return Outcome::kItem;
}

// --- Units and annotations -------------------------------------------------------------------------------------

void AofReader::onCommand(size_t firstArg, size_t end) {
  if (!annotated_ && !lineage_.id.empty()) lineage_ = {};  // nobody knows which bytes of which history it is
  const size_t count = pieces_.size() - firstArg;
  std::string_view name = bytes(pieces_[firstArg]);
  const bool select = count == 2 && name.size() == 6 && equalsIgnoreCase(name, "SELECT");
  if (select) db_ = static_cast<int>(parseInt64(bytes(pieces_[firstArg + 1])).value_or(db_));
  if (skipSelect_ && select) {
    crcFrom_ = end;
    marked_ = true;
  } else {
    if (marked_) foreign_ = select;
    marked_ = false;
  }
  skipSelect_ = false;
  if (count == 1 && equalsIgnoreCase(name, "MULTI")) {
    inMulti_ = true;
    pieces_.resize(firstArg);
    return;
  }
  if (count == 1 && equalsIgnoreCase(name, "EXEC")) {
    inMulti_ = false;
    pieces_.resize(firstArg);
  } else {
    parsed_.push_back({firstArg, count});
  }
  if (inMulti_) return;
  wholeCommands_ = parsed_.size();
  wholeTo_ = end;
  wholeDb_ = db_;
  if (annotated_ && end - crcFrom_ > kMaxUnmarked) annotated_ = false;
  if (!annotated_) makeReady(end);
}

void AofReader::makeReady(size_t to) {
  ready_ = to;
  readyCommands_ = wholeCommands_;
}

void AofReader::countRecords(size_t to) {
  if (to <= crcFrom_) return;
  counted_ += to - crcFrom_;
  const std::string_view records = std::string_view(buffer_).substr(crcFrom_, to - crcFrom_);
  crc_.feed(records);
  // Only the end of the file is worth keeping.
  if (tail_ && fileSize_ - (base_ + to) < 2 * tail_->limit()) unmarked_ += records;
}

void AofReader::onAnnotation(std::string_view line, size_t begin, size_t end) {
  if (annotated_) countRecords(begin);
  crcFrom_ = end;
  AofAnnotation annotation = parseAnnotation(line);
  if (auto* head = std::get_if<AofHead>(&annotation)) return onHead(*head, end);
  if (auto* mark = std::get_if<AofMark>(&annotation); mark && annotated_) return onMark(*mark, end);
  if (inMulti_) return;
  wholeTo_ = end;
  if (!annotated_ || !pending()) makeReady(end);
}

// The records that were counted, of which a crash took the mark, are ours unless they begin as redis-server begins.
// False: they are not.
bool AofReader::takeUnmarked() {
  if (foreign_ || end_.edited) return false;
  if (tail_ && unmarked_.size() == counted_) {
    tail_->add(unmarked_);
  } else if (tail_) {
    tail_->begin(offset_ + static_cast<oplog::Offset>(counted_));
  }
  unmarked_.clear();
  offset_ += static_cast<oplog::Offset>(std::exchange(counted_, 0));
  markedDb_ = wholeDb_;
  return true;
}

// A head goes on where the history before it ended, or begins one of which nothing is known.
void AofReader::noteLineage(const AofHead& head) {
  const bool goesOn = !lineage_.id.empty() && !inMulti_ && (!annotated_ || takeUnmarked()) && head.offset == offset_;
  if (!goesOn) {
    lineage_ = {.id = head.history};
  } else if (lineage_.id != head.history) {
    lineage_ = lineage_.continuedAs(head.history, offset_);
  }
}

void AofReader::onHead(const AofHead& head, size_t end) {
  noteLineage(head);
  // What came before without a mark was appended by somebody else, who may have left a transaction without its end.
  if (inMulti_) {
    inMulti_ = false;
    parsed_.resize(wholeCommands_);
    pieces_.resize(parsed_.empty() ? 0 : parsed_.back().firstArg + parsed_.back().args);
  }
  wholeTo_ = end;
  makeReady(end);
  if (head.db >= 0) db_ = head.db;
  wholeDb_ = markedDb_ = db_;
  annotated_ = true;
  history_ = head.history;
  offset_ = head.offset;
  if (tail_) tail_->begin(offset_);
  unmarked_.clear();
  counted_ = 0;
  crc_ = {};
  skipSelect_ = head.db >= 0;
  marked_ = !skipSelect_;
  foreign_ = false;
  end_.edited = false;
  if (limited() && offset_ >= limit_) finish();
}

void AofReader::onMark(const AofMark& mark, size_t end) {
  const bool sameLength = mark.offset - offset_ == static_cast<oplog::Offset>(counted_);
  if (sameLength && mark.checksum != crc_.value()) {
    damaged(ready_, "the checksum of the bytes up to offset " + std::to_string(base_ + end) + " does not match");
    return;
  }
  if (!sameLength || inMulti_) {
    end_.edited = true;
    if (inMulti_) return;
  }
  offset_ = mark.offset;
  if (tail_) {
    if (unmarked_.size() == counted_ && sameLength) {
      tail_->add(unmarked_);
    } else {
      tail_->skip(0);
      tail_->begin(offset_);
    }
  }
  unmarked_.clear();
  counted_ = 0;
  crc_ = {};
  marked_ = !end_.edited;
  foreign_ = false;
  wholeTo_ = end;
  markedDb_ = wholeDb_;
  makeReady(end);
  if (limited() && offset_ >= limit_) finish();
}

// --- The end ---------------------------------------------------------------------------------------------------

AofReader::Outcome AofReader::damaged(size_t at, std::string problem) {
  end_.kind = AofFileEnd::Kind::kDamaged;
  end_.damagedAt = base_ + at;
  end_.problem = std::move(problem);
  end_.tornTail = annotated_ && !foreign_ && !end_.edited && !wasDurable(base_ + at, offset_);
  end_.insideTransaction = inMulti_;
  if (!annotated_) makeReady(wholeTo_);
  end_.validTo = base_ + ready_;
  setPosition(end_.tornTail);
  stopped_ = true;
  return Outcome::kDamaged;
}

void AofReader::setPosition(bool resumable) {
  end_.resumable = resumable;
  end_.position = {history_, offset_, markedDb_};
  if (resumable) end_.history = lineage_;
}

void AofReader::finish() {
  stopped_ = true;
  if (limited()) {
    end_.validTo = base_ + ready_;
    return setPosition(!end_.edited);
  }
  end_.insideTransaction = inMulti_;
  const bool cut = inMulti_ || base_ + scanned_ < fileSize_;
  if (cut && annotated_ && !foreign_ && !end_.edited && wasDurable(base_ + scanned_, offset_)) {
    damaged(scanned_, "a command that does not end, although more behind it had been durable");
    return;
  }
  if (cut) end_.kind = AofFileEnd::Kind::kTruncated;
  makeReady(wholeTo_);
  end_.validTo = base_ + wholeTo_;
  if (!cut) return setPosition(annotated_ && marked_ && !end_.edited);
  const bool countable = annotated_ && crcFrom_ <= wholeTo_;  // no annotation stands inside a transaction that was cut
  if (countable) countRecords(wholeTo_);
  setPosition(countable && takeUnmarked());
}

// Whether the file itself says, behind byte `from`, that more than `offset` had been durable.
bool AofReader::wasDurable(uint64_t from, oplog::Offset offset) {
  std::string chunk(kRead, '\0');
  for (uint64_t at = from; at < fileSize_;) {
    auto got = file_.readAt(at, chunk);
    if (!got || *got == 0) return false;
    std::string_view text(chunk.data(), *got);
    for (size_t found = text.find("\n#"); found != std::string_view::npos; found = text.find("\n#", found + 1)) {
      std::string_view line = text.substr(found + 1, kMaxAnnotation);
      line = line.substr(0, line.find('\r'));
      AofAnnotation annotation = parseAnnotation(line);
      if (std::holds_alternative<AofHead>(annotation)) return true;
      if (auto* mark = std::get_if<AofMark>(&annotation); mark && mark->synced > offset) return true;
    }
    if (*got < kRead) return false;
    at += *got - kMaxAnnotation;  // a line may lie across two chunks
  }
  return false;
}

}  // namespace vigil::persistence
