#include "persistence/resp_base_target.h"

#include <utility>

#include "wire/resp_writer.h"

namespace vigil::persistence {

namespace {

constexpr size_t kItemsPerCommand = 64;

void appendValue(std::string& out, const listpack::Value& value) {
  if (value.isInteger) {
    wire::appendBulkInteger(out, value.number);
  } else {
    wire::appendBulk(out, value.text);
  }
}

}  // namespace

Status RespBaseTarget::append(std::string_view bytes) {
  unread_.append(bytes);
  std::string_view unread = unread_;
  for (;;) {
    const auto event = reader_.next(unread);
    if (event == wire::RdbReader::Event::kNeedMore) break;
    if (auto done = onEvent(event); !done) return done;
    if (event == wire::RdbReader::Event::kEof) break;
  }
  unread_.erase(0, unread_.size() - unread.size());
  auto written = file_->append(out_);  // also nothing: an empty data set has a file too
  out_.clear();
  return written;
}

Status RespBaseTarget::finish() { return file_->finish(); }

Status RespBaseTarget::onEvent(wire::RdbReader::Event event) {
  using Event = wire::RdbReader::Event;
  switch (event) {
    case Event::kError:
      return fail(reader_.error());
    case Event::kSelectDb:
      wire::encodeCommand({"SELECT", std::to_string(reader_.number())}, out_);
      return {};
    case Event::kString:
      onKey();
      wire::appendArrayHeader(out_, 3);
      wire::appendBulk(out_, "SET");
      wire::appendBulk(out_, key_);
      appendValue(out_, reader_.value());
      endKey();
      return {};
    case Event::kBegin:
      if (reader_.key().type != wire::RdbValueType::kList) {
        return fail(std::string("a base in RESP cannot hold the ") + wire::rdbValueTypeName(reader_.key().type) +
                    " at key '" + std::string(reader_.key().key) + "'");
      }
      onKey();
      return {};
    case Event::kItem:
      appendValue(items_, reader_.value());
      if (++itemCount_ == kItemsPerCommand) flushItems();
      return {};
    case Event::kEnd:
      flushItems();
      endKey();
      return {};
    default:
      return {};
  }
}

void RespBaseTarget::onKey() {
  key_.assign(reader_.key().key);
  expireAt_ = reader_.key().expireAt.value_or(0);
}

void RespBaseTarget::flushItems() {
  if (itemCount_ == 0) return;
  wire::appendArrayHeader(out_, 2 + itemCount_);
  wire::appendBulk(out_, "RPUSH");
  wire::appendBulk(out_, key_);
  out_.append(items_);
  items_.clear();
  itemCount_ = 0;
}

void RespBaseTarget::endKey() {
  if (expireAt_ != 0) wire::encodeCommand({"PEXPIREAT", key_, std::to_string(expireAt_)}, out_);
}

}  // namespace vigil::persistence
