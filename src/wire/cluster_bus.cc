#include "wire/cluster_bus.h"

#include <algorithm>
#include <cctype>

#include "wire/big_endian.h"

namespace vigil::wire {

namespace {

constexpr std::string_view kSignature = "RCmb";
constexpr std::string_view kOurMark = "Vg";
constexpr uint16_t kVersion = 1;
constexpr size_t kAddressSize = 46;
constexpr size_t kReservedSize = 30;
constexpr size_t kGossipSize = 104;
constexpr size_t kExtensionHead = 8;
// No number of elections leads beyond: whoever names such an epoch would leave none to all others.
constexpr uint64_t kLastEpoch = INT64_MAX;
constexpr uint32_t kLongestPacket = 512u << 20;  // a message of PUBLISH is at most as long as a string

enum ExtensionType : uint16_t { kHostName = 0, kHumanName = 1, kForgotten = 2, kShardId = 3 };

// --- Encoding ---

void appendField(std::string& out, std::string_view text, size_t size) {
  out.append(text.substr(0, size));
  out.append(size - std::min(size, text.size()), '\0');
}

void appendGossip(std::string& out, const BusGossip& entry) {
  appendField(out, entry.id, kNodeIdSize);
  appendBigEndian(out, entry.pingSent);
  appendBigEndian(out, entry.pongReceived);
  appendField(out, entry.address.substr(0, kAddressSize - 1), kAddressSize);
  appendBigEndian(out, entry.port);
  appendBigEndian(out, entry.busPort);
  appendBigEndian(out, entry.flags);
  appendBigEndian(out, entry.plainPort);
  appendBigEndian(out, uint16_t{0});
}

void appendExtension(std::string& out, uint16_t type, std::string_view data) {
  const size_t padded = (data.size() + 7) / 8 * 8;
  appendBigEndian(out, static_cast<uint32_t>(kExtensionHead + padded));
  appendBigEndian(out, type);
  appendBigEndian(out, uint16_t{0});
  appendField(out, data, padded);
}

uint16_t appendExtensions(std::string& out, const BusExtensions& extensions) {
  uint16_t count = 0;
  auto add = [&](uint16_t type, std::string_view data) {
    appendExtension(out, type, data);
    ++count;
  };
  if (extensions.hostName) add(kHostName, *extensions.hostName + '\0');
  if (extensions.humanName) add(kHumanName, *extensions.humanName + '\0');
  for (const ForgottenNode& node : extensions.forgotten) {
    std::string data;
    appendField(data, node.id, kNodeIdSize);
    appendBigEndian(data, node.seconds);
    add(kForgotten, data);
  }
  if (extensions.shardId) add(kShardId, extensions.shardId->substr(0, kNodeIdSize));
  return count;
}

// What follows the header; returns how many extensions are in it.
uint16_t appendBody(std::string& out, const BusMessage& message) {
  switch (message.type) {
    case BusType::kPing:
    case BusType::kPong:
    case BusType::kMeet:
      for (const BusGossip& entry : message.gossip) appendGossip(out, entry);
      return appendExtensions(out, message.extensions);
    case BusType::kFail:
      appendField(out, message.node, kNodeIdSize);
      break;
    case BusType::kUpdate:
      appendBigEndian(out, message.nodeEpoch);
      appendField(out, message.node, kNodeIdSize);
      out += message.nodeSlots.bytes();
      break;
    case BusType::kPublish:
    case BusType::kPublishShard:
      appendBigEndian(out, static_cast<uint32_t>(message.channel.size()));
      appendBigEndian(out, static_cast<uint32_t>(message.payload.size()));
      out += message.channel;
      out += message.payload;
      break;
    case BusType::kVoteRequest:
    case BusType::kVote:
    case BusType::kManualFailover:
    case BusType::kModule:
      break;
  }
  return 0;
}

std::string reservedBytes(uint8_t capabilities) {
  std::string reserved;
  if (capabilities != 0) {
    reserved = kOurMark;
    reserved += static_cast<char>(capabilities);
  }
  reserved.resize(kReservedSize);
  return reserved;
}

// --- Decoding ---

BusGossip readGossip(FieldReader& in) {
  BusGossip entry;
  entry.id = in.take(kNodeIdSize);
  entry.pingSent = in.number<uint32_t>();
  entry.pongReceived = in.number<uint32_t>();
  entry.address = in.text(kAddressSize);
  entry.port = in.number<uint16_t>();
  entry.busPort = in.number<uint16_t>();
  entry.flags = in.number<uint16_t>();
  entry.plainPort = in.number<uint16_t>();
  in.take(2);
  return entry;
}

bool isNodeId(std::string_view id) {
  return id.size() == kNodeIdSize && std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// As nodes.conf can hold it: it goes there as it came.
bool isAddress(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == ':' || c == '-' || c == '_' || c == '%';
  });
}

Status readExtension(FieldReader& in, BusExtensions& extensions) {
  const auto length = in.number<uint32_t>();
  const auto type = in.number<uint16_t>();
  in.take(2);
  if (!in.ok() || length < kExtensionHead || length % 8 != 0) return fail("an extension of impossible length");
  FieldReader data(in.take(length - kExtensionHead));
  if (!in.ok()) return fail("an extension that ends behind the packet");
  const size_t size = data.left();
  if (type == kHostName) {
    extensions.hostName = data.text(size);
  } else if (type == kHumanName) {
    extensions.humanName = data.text(size);
  } else if (type == kForgotten && size == kNodeIdSize + 8) {
    std::string id(data.take(kNodeIdSize));
    const auto seconds = data.number<uint64_t>();
    if (isNodeId(id)) extensions.forgotten.push_back({std::move(id), seconds});
  } else if (type == kShardId && size == kNodeIdSize) {
    std::string id(data.take(kNodeIdSize));
    if (isNodeId(id)) extensions.shardId = std::move(id);
  } else {
    ++extensions.unknown;  // Redis 8 and Valkey give one number two meanings
  }
  return {};
}

Status readPing(FieldReader& in, BusMessage& message, uint16_t count, uint16_t extensions) {
  if (in.left() < size_t{count} * kGossipSize) return fail("fewer gossip entries than the header says");
  message.gossip.reserve(count);
  for (uint16_t i = 0; i < count; ++i) {
    message.gossip.push_back(readGossip(in));
    if (!isNodeId(message.gossip.back().id)) return fail("gossip of what is no node id");
    if (!isAddress(message.gossip.back().address)) return fail("gossip of what is no address");
  }
  for (uint16_t i = 0; i < extensions; ++i) {
    if (auto read = readExtension(in, message.extensions); !read) return read;
  }
  return {};
}

Status readPublish(FieldReader& in, BusMessage& message) {
  const auto channelSize = in.number<uint32_t>();
  const auto payloadSize = in.number<uint32_t>();
  message.channel = in.take(channelSize);
  message.payload = in.take(payloadSize);
  return {};
}

Status readBody(FieldReader& in, BusMessage& message, uint16_t count, uint16_t extensions) {
  switch (message.type) {
    case BusType::kPing:
    case BusType::kPong:
    case BusType::kMeet:
      return readPing(in, message, count, extensions);
    case BusType::kFail:
      message.node = in.take(kNodeIdSize);
      return {};
    case BusType::kUpdate: {
      message.nodeEpoch = in.number<uint64_t>();
      message.node = in.take(kNodeIdSize);
      const std::string_view slots = in.take(SlotSet::kBytes);
      if (in.ok()) message.nodeSlots = SlotSet::fromBytes(slots);
      return {};
    }
    case BusType::kPublish:
    case BusType::kPublishShard:
      return readPublish(in, message);
    case BusType::kModule:
      in.take(in.left());  // modules are not loaded
      return {};
    case BusType::kVoteRequest:
    case BusType::kVote:
    case BusType::kManualFailover:
      return {};
  }
  return {};
}

}  // namespace

Result<uint32_t> busPacketLength(std::string_view prefix) {
  FieldReader in(prefix);
  if (in.take(kSignature.size()) != kSignature) return fail("no signature of the cluster bus");
  const auto length = in.number<uint32_t>();
  if (!in.ok() || length < kBusHeaderSize || length > kLongestPacket) return fail("a packet of impossible length");
  return length;
}

Result<BusMessage> decodeBusPacket(std::string_view packet) {
  auto length = busPacketLength(packet.substr(0, kBusPrefixSize));
  if (!length) return std::unexpected(length.error());
  if (*length != packet.size()) return fail("a packet of another length than it says");
  FieldReader in(packet.substr(kBusPrefixSize));
  if (in.number<uint16_t>() != kVersion) return fail("an unknown version of the cluster bus");
  BusMessage message;
  message.port = in.number<uint16_t>();
  const auto type = in.number<uint16_t>();
  if (type >= kBusTypes) return fail("an unknown type of packet, " + std::to_string(type));
  message.type = static_cast<BusType>(type);
  const auto count = in.number<uint16_t>();
  message.currentEpoch = in.number<uint64_t>();
  message.configEpoch = in.number<uint64_t>();
  message.offset = in.number<uint64_t>();
  message.sender = in.take(kNodeIdSize);
  if (!isNodeId(message.sender)) return fail("a sender that is no node id");
  message.slots = SlotSet::fromBytes(in.take(SlotSet::kBytes));
  message.masterId = in.text(kNodeIdSize);
  if (!message.masterId.empty() && !isNodeId(message.masterId)) return fail("a master that is no node id");
  if (message.masterId == message.sender) return fail("a node that is its own master");
  message.address = in.text(kAddressSize);
  if (!isAddress(message.address)) return fail("an own address that is none");
  const auto extensions = in.number<uint16_t>();
  const std::string_view reserved = in.take(kReservedSize);
  if (reserved.starts_with(kOurMark)) message.capabilities = static_cast<uint8_t>(reserved[kOurMark.size()]);
  message.plainPort = in.number<uint16_t>();
  message.busPort = in.number<uint16_t>();
  message.flags = in.number<uint16_t>();
  message.clusterDown = in.number<uint8_t>() != 0;
  message.messageFlags = in.number<uint8_t>();
  in.take(2);
  if (auto body = readBody(in, message, count, extensions); !body) return std::unexpected(body.error());
  if (!in.ok()) return fail("a packet that is shorter than what it promises");
  if (std::max({message.currentEpoch, message.configEpoch, message.nodeEpoch}) > kLastEpoch) {
    return fail("an epoch to which no number of elections leads");
  }
  return message;
}

std::string encodeBusPacket(const BusMessage& message) {
  std::string body;
  const uint16_t extensions = appendBody(body, message);
  std::string out;
  out.reserve(kBusHeaderSize + body.size());
  out += kSignature;
  appendBigEndian(out, static_cast<uint32_t>(kBusHeaderSize + body.size()));
  appendBigEndian(out, kVersion);
  appendBigEndian(out, message.port);
  appendBigEndian(out, static_cast<uint16_t>(message.type));
  appendBigEndian(out, static_cast<uint16_t>(message.isPing() ? message.gossip.size() : 0));
  appendBigEndian(out, message.currentEpoch);
  appendBigEndian(out, message.configEpoch);
  appendBigEndian(out, message.offset);
  appendField(out, message.sender, kNodeIdSize);
  out += message.slots.bytes();
  appendField(out, message.masterId, kNodeIdSize);
  appendField(out, message.address.substr(0, kAddressSize - 1), kAddressSize);
  appendBigEndian(out, extensions);
  out += reservedBytes(message.capabilities);
  appendBigEndian(out, message.plainPort);
  appendBigEndian(out, message.busPort);
  appendBigEndian(out, message.flags);
  out += message.clusterDown ? '\1' : '\0';
  out += static_cast<char>(message.messageFlags | (message.isPing() ? kBusKnowsExtensions : 0));
  out.append(2, '\0');
  return out + body;
}

}  // namespace vigil::wire
