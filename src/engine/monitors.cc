#include "engine/monitors.h"

#include <algorithm>

#include "base/text.h"
#include "command/command_table.h"
#include "engine/audience.h"
#include "engine/client_info.h"
#include "engine/engine.h"
#include "engine/execution.h"
#include "engine/session.h"
#include "engine/worker.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// "unix:<path>", or the address.
void appendSource(std::string& text, const ClientInfo& client) {
  if ((client.flags.load(kRelaxed) & kClientUnixSocket) == 0) {
    text += client.address;
    return;
  }
  text += "unix:";
  text.append(client.address, 0, client.address.rfind(':'));
}

}  // namespace

void Monitors::add(const std::shared_ptr<ClientInfo>& client) {
  MutexLock guard(mutex_);
  clients_.push_back(client);
  audience_.set(Audience::kMonitors, Audience::kMonitors);
}

void Monitors::remove(const ClientInfo& client) {
  MutexLock guard(mutex_);
  std::erase_if(clients_, [&client](const auto& c) { return c.get() == &client; });
  if (clients_.empty()) audience_.set(Audience::kMonitors, 0);
}

void Monitors::show(std::string_view text, oplog::Offset depends, const Worker* from) {
  MutexLock guard(mutex_);
  const UnixUs now = clock_.wall();
  const std::string microseconds = std::to_string(1'000'000 + now % 1'000'000).substr(1);
  std::string line = "+" + std::to_string(now / 1'000'000) + "." + microseconds + " ";
  line += text;
  const Message message = Message::line(line);
  for (const auto& client : clients_) client->worker->push(client, message, depends, from);
}

std::string Monitors::describe(int db, const ClientInfo& client, command::Args args, std::span<const size_t> hidden) {
  std::string text = "[" + std::to_string(db) + " ";
  appendSource(text, client);
  text += ']';
  for (size_t i = 0; i < args.size(); ++i) {
    text += ' ';
    appendQuoted(text, std::ranges::binary_search(hidden, i) ? "(redacted)" : args[i]);
  }
  return text;
}

namespace {

using namespace command;  // the flags of the rows

void monitor(Context& ctx) {
  auto& execution = static_cast<Execution&>(ctx);
  auto& session = static_cast<Session&>(ctx.session());
  if (session.connection == nullptr || execution.inTransaction()) {
    return ctx.reply().error("ERR MONITOR isn't allowed for DENY BLOCKING client");
  }
  constexpr uint32_t kFlags = kClientReplica | kClientMonitor;
  if ((session.info->flags.fetch_or(kFlags, kRelaxed) & kClientMonitor) != 0) return;  // as in Redis: no reply
  session.listens = true;
  execution.engine().monitors().add(session.info);
  ctx.reply().ok();
}

constexpr CommandSpec kCommands[] = {
    {.name = "monitor",
     .arity = 1,
     .flags = kAdmin | kNoscript | kLoading | kStale | kNoLocks,
     .handler = monitor,
     .group = "server",
     .since = "1.0.0",
     .summary = "Listen for all requests received by the server in real time",
     .complexity = ""},
};

}  // namespace

std::span<const CommandSpec> monitorCommands() { return kCommands; }

}  // namespace vigil::engine
