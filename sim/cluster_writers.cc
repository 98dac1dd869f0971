#include "sim/cluster_writers.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vigil::sim {

ClusterWriters::ClusterWriters(SimWorld& world, SimNetwork& network, size_t count, std::vector<Endpoint> nodes)
    : world_(world), nodes_(std::move(nodes)) {
  writers_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Writer& writer = writers_[i];
    writer.key = "list" + std::to_string(i);
    writer.target = nodes_[world.random().below(nodes_.size())];
    writer.client = std::make_unique<SimClient>(world, network, static_cast<int>(i), *this);
    writer.client->target = [&writer] { return writer.target; };
    writer.client->thinkLeast = 10 * kMs;
    writer.client->thinkMost = 500 * kMs;
    writer.client->patience = 4 * kSecond;
  }
}

void ClusterWriters::start() {
  for (Writer& writer : writers_) writer.client->start();
}

void ClusterWriters::stop() {
  for (Writer& writer : writers_) writer.client->stop();
}

bool ClusterWriters::idle() const {
  return std::ranges::all_of(writers_, [](const Writer& writer) { return writer.client->idle(); });
}

size_t ClusterWriters::acknowledged() const {
  size_t sum = 0;
  for (const Writer& writer : writers_) sum += writer.acknowledged.size();
  return sum;
}

bool ClusterWriters::allAnsweredSince(SimTime when) const {
  return std::ranges::all_of(writers_, [when](const Writer& writer) { return writer.answeredAt > when; });
}

std::vector<Request> ClusterWriters::next(int client, const std::vector<Request>&) {
  Writer& writer = writers_[static_cast<size_t>(client)];
  Request request;
  const auto keys = writer.keys();
  ++writer.sent;
  request.operation.commands = {{"RPUSH", keys[static_cast<size_t>(writer.sent) % keys.size()], std::to_string(writer.sent)}};
  if (std::exchange(writer.asking, false)) request.operation.commands.insert(request.operation.commands.begin(), {"ASKING"});
  return {request};
}

void ClusterWriters::finished(const Request& request) {
  const Operation& operation = request.operation;
  Writer& writer = writers_[static_cast<size_t>(operation.client)];
  if (operation.answered == kNeverAnswered) return lookElsewhere(writer);
  const std::string& answer = operation.answers.back();
  if (answer.starts_with(":")) {
    writer.acknowledged.push_back(std::stoll(operation.commands.back()[2]));
    writer.answeredAt = world_.now();
  } else if (answer.starts_with("-MOVED ") || answer.starts_with("-ASK ")) {
    writer.asking = answer.starts_with("-ASK ");
    follow(writer, answer);
  } else {
    lookElsewhere(writer);
    turnTo(writer, writer.target);
  }
}

void ClusterWriters::follow(Writer& writer, const std::string& redirection) {
  const size_t host = redirection.rfind(' ') + 1;
  const size_t colon = redirection.rfind(':');
  uint16_t port = 0;
  std::from_chars(redirection.data() + colon + 1, redirection.data() + redirection.size(), port);
  turnTo(writer, {redirection.substr(host, colon - host), port});
}

void ClusterWriters::lookElsewhere(Writer& writer) { writer.target = nodes_[world_.random().below(nodes_.size())]; }

// Not at once: it is this client's connection that is being read.
void ClusterWriters::turnTo(Writer& writer, const Endpoint& node) {
  writer.target = node;
  world_.after(world_.random().between(kMs, 20 * kMs), [&writer] {
    writer.client->hold();
    writer.client->release();
  });
}

}  // namespace vigil::sim
