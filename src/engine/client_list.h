// CLIENT LIST and the filters of LIST and KILL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ports/clock.h"

namespace vigil::engine {

struct ClientInfo;

enum class ClientType : uint8_t { kNormal, kMaster, kReplica, kPubsub };
std::optional<ClientType> parseClientType(std::string_view name);
ClientType typeOf(const ClientInfo& client);

// One line of CLIENT LIST without its end.
std::string describeClient(const ClientInfo& client, MonoUs now);

// What CLIENT LIST says a client takes of memory.
uint64_t memoryOf(const ClientInfo& client);

}  // namespace vigil::engine
