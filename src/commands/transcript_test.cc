#include "commands/transcript.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.h"

namespace vigil::commands {

using command::EventClass;
using keyspace::Database;
using keyspace::KeyRef;

namespace {

std::string inOneLine(std::string_view resp) {
  std::string line;
  for (size_t i = 0; i < resp.size(); ++i) {
    if (resp.substr(i, 2) != "\r\n") {
      line += resp[i];
    } else if (++i + 1 < resp.size()) {
      line += ' ';
    }
  }
  return line;
}

std::string joined(command::Args words) {
  std::string line;
  for (auto word : words) line.append(line.empty() ? "" : " ").append(word);
  return line;
}

std::string pendingBytes(command::OutputBuffer& out) {
  std::string bytes;
  while (!out.empty()) {
    std::string_view pieces[16];
    const size_t count = out.gather(pieces, std::size(pieces));
    size_t size = 0;
    for (auto piece : std::span(pieces, count)) {
      bytes += piece;
      size += piece.size();
    }
    out.consume(size);
  }
  return bytes;
}

}  // namespace

Transcript::Transcript(keyspace::Reaper* reaper) : keyspace_({.shards = 4, .databases = 16, .reaper = reaper}) {
  for (int i = 0; i < 16; ++i) databases_.emplace_back(keyspace_, i);
  db_ = &databases_[0];
  session_ = &clientSession_;
  for (auto& database : databases_) database.prepare(time_, mode_, nullptr, true);
}

Transcript::Outcome Transcript::run(std::string_view line) {
  const auto words = splitArguments(line).value();
  std::vector<std::string_view> views(words.begin(), words.end());
  const auto* entry = table_.find(views.at(0));
  if (entry != nullptr && !entry->subcommands.empty()) entry = entry->subcommand(views.at(1));
  if (entry == nullptr) return {.reply = "no such command", .events = {}, .log = {}, .readyKeys = {}};

  command::OutputBuffer out;
  command::Reply reply(out, protocol_);
  args_ = views;
  reply_ = &reply;
  spec_ = entry->spec;
  owner_ = entry->owner;
  now_ = time_;
  outcome_ = {};
  log_.reset();
  changed_ = false;
  notifiedDb_ = 0;
  for (auto& database : databases_) database.prepare(time_, mode_, nullptr, true);
  spec_->handler(*this);
  if (outcome_.reply.empty()) outcome_.reply = inOneLine(pendingBytes(out));
  outcome_.log = log_.value_or(changed_ ? joined(args_) : "");
  reply_ = nullptr;
  return outcome_;
}

void Transcript::play(std::span<const Step> steps) {
  for (const Step& step : steps) {
    const Outcome outcome = run(step.line);
    EXPECT_EQ(outcome.reply, step.reply) << step.line;
    EXPECT_EQ(outcome.events, step.events) << step.line;
    EXPECT_EQ(outcome.log, step.log.value_or(step.events.empty() ? "" : step.line)) << step.line;
  }
}

Database* Transcript::database(int64_t index) {
  if (index < 0 || static_cast<size_t>(index) >= databases_.size()) return nullptr;
  return &databases_[static_cast<size_t>(index)];
}

void Transcript::addTo(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

void Transcript::onChanged(const KeyRef& key, EventClass event_class, std::string_view name, size_t) {
  changed_ = true;
  event(event_class, name, key);
}

void Transcript::event(EventClass, std::string_view name, const KeyRef& key) {
  const std::string database = notifiedDb_ == 0 ? "" : std::to_string(notifiedDb_) + ":";
  addTo(outcome_.events, database + std::string(name) + " " + std::string(key.name));
}

void Transcript::propagate(command::Args command) {
  if (!log_) log_.emplace();
  if (!log_->empty()) *log_ += "; ";
  *log_ += joined(command);
}

void Transcript::databasesSwapped(int a, int b) {
  addTo(outcome_.events, "swapped " + std::to_string(a) + " " + std::to_string(b));
}

void Transcript::block(std::span<const size_t> keyArguments, int64_t timeoutUs, command::TimeoutReply onTimeout) {
  static constexpr std::string_view kReplies[] = {"null array", "null", "integer"};
  outcome_.reply = "(blocked on";
  for (size_t argument : keyArguments) outcome_.reply.append(" ").append(arg(argument));
  outcome_.reply += " for " + std::to_string(timeoutUs) + " us, then ";
  outcome_.reply += std::string(kReplies[static_cast<size_t>(onTimeout)]) + ")";
}

}  // namespace vigil::commands
