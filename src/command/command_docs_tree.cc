// COMMAND DOCS: the documentation part of command/command_docs.h.
#include <cassert>

#include "command/argument_docs.h"
#include "command/command_docs.h"

namespace vigil::command {

namespace {

// A map whose pairs are counted as they are written.
class MapWriter {
 public:
  explicit MapWriter(Reply& reply) : reply_(reply), start_(reply.mark()) {}
  ~MapWriter() { reply_.mapAt(start_, pairs_); }
  MapWriter(const MapWriter&) = delete;
  MapWriter& operator=(const MapWriter&) = delete;

  // The caller writes the value.
  Reply& pair(std::string_view key) {
    ++pairs_;
    reply_.bulk(key);
    return reply_;
  }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) pair(key).bulk(value);
  }

 private:
  Reply& reply_;
  size_t start_;
  size_t pairs_ = 0;
};

void replyArgumentFlags(Reply& reply, const ArgumentDoc& argument) {
  reply.set(static_cast<size_t>(argument.optional) + static_cast<size_t>(argument.multiple) +
            static_cast<size_t>(argument.multipleToken));
  if (argument.optional) reply.simple("optional");
  if (argument.multiple) reply.simple("multiple");
  if (argument.multipleToken) reply.simple("multiple_token");
}

void replyArguments(Reply& reply, const std::vector<ArgumentDoc>& arguments) {
  reply.array(arguments.size());
  for (const ArgumentDoc& argument : arguments) {
    MapWriter map(reply);
    map.text("name", argument.name);
    map.text("type", argument.type);
    if (argument.arguments.empty()) map.text("display_text", argument.name);
    if (argument.keySpec >= 0) map.pair("key_spec_index").integer(argument.keySpec);
    if (argument.token) map.pair("token").bulk(*argument.token);
    map.text("since", argument.since);
    map.text("deprecated_since", argument.deprecatedSince);
    if (argument.optional || argument.multiple) replyArgumentFlags(map.pair("flags"), argument);
    if (!argument.arguments.empty()) replyArguments(map.pair("arguments"), argument.arguments);
  }
}

void replyHistory(Reply& reply, std::span<const std::string_view> history) {
  reply.set(history.size());
  for (std::string_view entry : history) {
    const size_t bar = entry.find('|');
    assert(bar != std::string_view::npos);
    reply.array(2);
    reply.bulk(entry.substr(0, bar));
    reply.bulk(entry.substr(bar + 1));
  }
}

void replyDocs(Reply& reply, const CommandEntry& entry) {
  const CommandSpec& spec = *entry.spec;
  MapWriter map(reply);
  map.text("summary", spec.summary);
  map.text("since", spec.since);
  map.text("group", spec.group);
  map.text("complexity", spec.complexity);
  const bool deprecated = !spec.deprecatedSince.empty();
  if (deprecated || spec.system) {
    map.pair("doc_flags").set(static_cast<size_t>(deprecated) + static_cast<size_t>(spec.system));
    if (deprecated) reply.simple("deprecated");
    if (spec.system) reply.simple("syscmd");
  }
  map.text("deprecated_since", spec.deprecatedSince);
  map.text("replaced_by", spec.replacedBy);
  if (!spec.history.empty()) replyHistory(map.pair("history"), spec.history);
  if (const auto arguments = parseArguments(spec.arguments); arguments && !arguments->empty()) {
    replyArguments(map.pair("arguments"), *arguments);
  }
  if (entry.subcommands.empty()) return;
  map.pair("subcommands").map(entry.subcommands.size());
  for (const auto& subcommand : entry.subcommands) {
    reply.bulk(subcommand->fullName);
    replyDocs(reply, *subcommand);
  }
}

}  // namespace

void replyCommandDocs(Reply& reply, const CommandTable& table, Args names) {
  MapWriter map(reply);
  for (std::string_view name : names) {
    const CommandEntry* entry = findFullName(table, name);
    if (entry != nullptr) replyDocs(map.pair(entry->fullName), *entry);
  }
  if (!names.empty()) return;
  for (const auto& entry : table.entries()) {
    if (!entry->removed) replyDocs(map.pair(entry->fullName), *entry);
  }
}

}  // namespace vigil::command
