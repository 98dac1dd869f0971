#include "engine/message.h"

#include "base/decimal.h"
#include "command/output_buffer.h"
#include "wire/resp_writer.h"

namespace vigil::engine {

namespace {

// A piece more for the kernel costs less than copying so many bytes …
constexpr size_t kReferencedFrom = 4096;
// … and to a client that reads slowly, what waits is referenced from here on, to be in memory once for all.
constexpr size_t kReferencedIfSlowFrom = 128;
constexpr size_t kSlowFrom = 64 * 1024;

void appendBody(command::OutputBuffer& out, const ds::SharedBuffer& body) {
  const bool slow = body.size() >= kReferencedIfSlowFrom && out.pending() >= kSlowFrom;
  if (slow || body.size() >= kReferencedFrom) {
    out.appendShared(body);
  } else {
    out.append(body.view());
  }
  out.append("\r\n");
}

size_t bulkSize(std::string_view text) { return decimalDigits(text.size()) + text.size() + 5; }

void appendText(ds::SharedBuffer& body, char type, std::string_view text) {
  std::string header;
  wire::appendNumberLine(header, type, text.size());
  body.append(header);
  body.append(text);
}

void appendInvalidation(command::OutputBuffer& out, const Message& message, const Message::Receiver& receiver) {
  if (receiver.protocol == 3) {
    out.append(">2\r\n$10\r\ninvalidate\r\n");
  } else if (message.redirected && receiver.subscribed) {
    out.append("*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n");
  } else {
    return;  // RESP2 has no place for it
  }
  if (message.body.empty()) {
    out.append(receiver.protocol == 3 ? "_\r\n" : "$-1\r\n");
  } else {
    appendBody(out, message.body);
  }
}

}  // namespace

Message Message::push(std::initializer_list<std::string_view> parts) {
  Message message;
  std::string header;
  wire::appendNumberLine(header, '*', parts.size());
  size_t size = header.size();
  for (std::string_view part : parts) size += bulkSize(part);
  message.body.reserve(size);
  message.body.append(std::string_view(header).substr(1));
  size_t left = parts.size();
  for (std::string_view part : parts) {
    appendText(message.body, '$', part);
    if (--left != 0) message.body.append("\r\n");
  }
  return message;
}

Message Message::sunsubscribed(std::string_view channel, size_t left) {
  Message message;
  message.body.append("3\r\n$12\r\nsunsubscribe\r\n");
  appendText(message.body, '$', channel);
  message.body.append("\r\n:" + std::to_string(left));
  return message;
}

Message Message::line(std::string_view text) { return {Kind::kLine, false, ds::SharedBuffer(text)}; }

Message Message::invalidation(std::span<const std::string_view> keys) {
  Message message;
  message.kind = Kind::kInvalidation;
  if (keys.empty()) return message;
  std::string header;
  wire::appendArrayHeader(header, keys.size());
  header.resize(header.size() - 2);
  message.body.append(header);
  for (std::string_view key : keys) {
    message.body.append("\r\n");
    appendText(message.body, '$', key);
  }
  return message;
}

Message Message::redirectBroken(uint64_t client) {
  const std::string text = "2\r\n$21\r\ntracking-redir-broken\r\n:" + std::to_string(client);
  return {Kind::kResp3Push, false, ds::SharedBuffer(text)};
}

void Message::appendTo(command::OutputBuffer& out, const Receiver& receiver) const {
  switch (kind) {
    case Kind::kResp3Push:
      if (receiver.protocol != 3) return;
      [[fallthrough]];
    case Kind::kPush:
      out.append(receiver.protocol == 3 ? '>' : '*');
      return appendBody(out, body);
    case Kind::kLine:
      return appendBody(out, body);
    case Kind::kInvalidation:
      return appendInvalidation(out, *this, receiver);
  }
}

}  // namespace vigil::engine
