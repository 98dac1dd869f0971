// CLIENT LIST and the filters of LIST and KILL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ports/clock.h"
#include "base/ports/stream.h"

namespace vigil::engine {

struct ClientInfo;

// As CLIENT LIST shows an address.
std::string addressText(const Endpoint& endpoint);

enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubsub };
std::optional<ClientType> parseClientType(std::string_view name);
ClientType typeOf(const ClientInfo& client);

// One line of CLIENT LIST without its end.
std::string describeClient(const ClientInfo& client, MonoUs now);

// What CLIENT LIST says a client takes of memory.
uint64_t memoryOf(const ClientInfo& client);

}  // namespace vigil::engine
