#include "engine/effects.h"

#include "wire/resp_writer.h"

namespace vigil::engine {

void Effects::add(int db, std::span<const std::string_view> command) {
  commands_.push_back({db, static_cast<uint32_t>(command.size())});
  for (std::string_view arg : command) {
    bytes_.append(arg);
    argSizes_.push_back(static_cast<uint32_t>(arg.size()));
  }
}

void Effects::clear() {
  constexpr size_t kKeep = 1 << 20;
  if (bytes_.capacity() > kKeep) std::string().swap(bytes_);
  bytes_.clear();
  argSizes_.clear();
  commands_.clear();
}

oplog::Offset Effects::appendTo(oplog::Log& log, bool transaction) const {
  std::vector<std::string_view> args;
  args.reserve(argSizes_.size());
  const char* at = bytes_.data();
  for (uint32_t size : argSizes_) {
    args.emplace_back(at, size);
    at += size;
  }
  std::vector<oplog::Log::Record> records;
  records.reserve(commands_.size() + 2);
  if (transaction) records.push_back({commands_.front().db, kMulti});
  size_t first = 0;
  for (const Command& command : commands_) {
    records.push_back({command.db, std::span(args).subspan(first, command.args)});
    first += command.args;
  }
  if (transaction) records.push_back({-1, kExec});
  return log.appendUnit(records);
}

size_t Effects::encodedSize(bool transaction) const {
  std::vector<std::string_view> args;
  size_t size = transaction ? wire::encodedCommandSize(kMulti) + wire::encodedCommandSize(kExec) : 0;
  const char* at = bytes_.data();
  const uint32_t* argSize = argSizes_.data();
  for (const Command& command : commands_) {
    args.clear();
    for (uint32_t i = 0; i < command.args; ++i) {
      args.emplace_back(at, *argSize);
      at += *argSize++;
    }
    size += wire::encodedCommandSize(args);
  }
  return size;
}

}  // namespace vigil::engine
