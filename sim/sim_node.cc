#include "sim/sim_node.h"

#include <algorithm>

#include "sim/sim_config_file.h"

namespace vigil::sim {

namespace {
constexpr const char* kConfigFile = "redis.conf";
constexpr SimTime kEverySecond = 2 * kSecond;  // what appendfsync everysec may lose
}  // namespace

SimNode::Life::~Life() {
  listener.reset();
  if (node) node->stop();
  node.reset();
}

SimNode::SimNode(SimWorld& world, SimNetwork& network, std::string name, std::string host, size_t workers)
    : SimHost(world, network, std::move(name), std::move(host)), workers_(workers) {}

SimNode::~SimNode() {
  if (life_) life_->process->alive = false;
}

Status SimNode::readConfiguration(Life& life) {
  if (keepsConfiguration) {
    if (!disk_.exists(kConfigFile)) disk_.install(kConfigFile, configText(configuration));
    return readConfigFile(life.files, kConfigFile, life.registry);
  }
  for (const auto& words : configuration) {
    auto read = life.registry.loadDirective(words[0], std::span(words).subspan(1));
    if (!read) return read;
  }
  return {};
}

Status SimNode::start() {
  startError_.clear();
  const ProcessPtr process = newProcess();
  ProcessStep step(*process);
  auto life = std::make_unique<Life>(*this, process);
  drivers::registerOptions(life->registry, life->options);
  life->options.engine.protectedMode.store(false);
  life->options.replication.listeningPort.store(kPort);
  life->options.cluster.listeningPort.store(kPort);
  life->options.cluster.bind.store({host()});
  if (auto read = readConfiguration(*life); !read) return read;
  life->control = std::make_unique<SimLoop>(process, life->clock, "control");
  std::vector<EventLoop*> loops;
  for (size_t i = 0; i < workers_; ++i) {
    life->workers.push_back(std::make_unique<SimLoop>(process, life->clock, "w" + std::to_string(i)));
    loops.push_back(life->workers.back().get());
  }
  life->node = std::make_unique<drivers::Node>(life->system(), life->logger, life->options);
  if (keepsConfiguration) {
    life->node->engine().process().configFile = kConfigFile;
    life->node->engine().addCommands(engine::configCommands(), &life->configControl);
  }
  process->trace("starts");
  life_ = std::move(life);
  if (auto started = life_->node->start(loops, *life_->control); !started) {
    bool died = !life_->process->alive;
    life_->process->alive = false;
    life_.reset();
    if (died) return fail("died while it started");
    return started;
  }
  if (auto bus = life_->node->listen(); !bus) return bus;
  auto listener = life_->network.listen(*life_->control, address(), {}, [this](std::unique_ptr<Stream> stream) {
    life_->node->accept(std::move(stream));
  });
  if (!listener) return fail(listener.error().message);
  life_->listener = std::move(*listener);
  life_->control->start();
  for (auto& worker : life_->workers) worker->start();
  life_->node->load([this, process](Status status) { loaded(process, status); });
  return {};
}

void SimNode::loaded(const ProcessPtr& process, const Status& status) {
  if (!process->alive) return;
  if (status) {
    process->trace("serves");
    life_->ready = true;
    return;
  }
  process->trace("cannot start: " + status.error().message);
  startError_ = status.error().message + " (" + life_->logger.last + ")";
  process->dieNow(Death::kKill);
}

bool SimNode::startAndLoad() {
  if (auto started = start(); !started) {
    if (startError_.empty()) startError_ = started.error().message;
    return false;
  }
  return world_.runUntil([this] { return !running() || ready(); }, 60 * kSecond) && ready();
}

void SimNode::buried(Death how) {
  ++deaths_;
  if (life_->ready) {
    lastDeath_ = world_.now();
    aofFailedSince_ = life_->logger.aofFailedSince;
    lostPower_ = false;
  }
  lostPower_ = lostPower_ || how == Death::kPowerLoss;
  life_.reset();
}

Window SimNode::recoveredWithoutAlways() const {
  SimTime from = lastDeath_;
  if (aofFailedSince_ != 0) from = std::min(from, aofFailedSince_ - kEverySecond);
  if (lostPower_) from -= kEverySecond;
  return {std::max<SimTime>(0, from), lastDeath_};
}

}  // namespace vigil::sim
