#include "sim/sim_sentinel.h"

#include <utility>

#include "sim/sim_config_file.h"

namespace vigil::sim {

namespace {

keyspace::Keyspace::Options emptyKeyspace(Entropy& entropy) {
  keyspace::Keyspace::Options options;
  options.shards = 1;
  options.databases = 1;
  options.hashSeed = entropy.next64();
  return options;
}

bool always(const std::string&) { return true; }

}  // namespace

SimSentinel::Life::~Life() {
  listener.reset();
  if (watches) driver->stop();
  if (engine) engine->stop();
  driver.reset();
  engine.reset();
}

SimSentinel::SimSentinel(SimWorld& world, SimNetwork& network, std::string name, std::string host,
                         const std::vector<std::vector<std::string>>& lines)
    : SimHost(world, network, std::move(name), std::move(host)) {
  disk_.install(kConfigFile, configText(lines));
}

SimSentinel::~SimSentinel() {
  if (life_) life_->process->alive = false;
}

Status SimSentinel::start() {
  const ProcessPtr process = newProcess();
  ProcessStep step(*process);
  ++lives_;
  process->taskSlowness = taskSlowness_;
  process->trace("starts");
  life_ = std::make_unique<Life>(*this, process);
  if (auto begun = begin(*life_); !begun) {
    // What it did to the disk stays; connections it had none.
    const bool died = !std::exchange(process->alive, false);
    disk_.processDied(died ? dying() : Death::kKill);
    process->trace("cannot start: " + begun.error().message);
    life_.reset();
    return begun;
  }
  return {};
}

Status SimSentinel::begin(Life& life) {
  life.options.engine.protectedMode.store(false);
  life.options.rdb.savePoints.store({});
  life.sentinelOptions.addTo(life.registry);
  drivers::registerOptions(life.registry, life.options);
  if (auto read = readConfigFile(life.files, kConfigFile, life.registry); !read) return read;
  if (auto sound = life.sentinelOptions.check(always); !sound)
    return fail(sound.error().line + ": " + sound.error().problem);
  build(life);
  if (auto s = life.engine->acl().start(life.files); !s) return s;
  auto listener = life.network.listen(
      life.loop, address(), {},
      [&engine = *life.engine](std::unique_ptr<Stream> stream) { engine.accept(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  life.listener = std::move(*listener);
  life.watches = true;
  if (auto s = life.driver->start(); !s) return s;
  if (!life.process->alive) return fail("died while it started");
  life.loop.post([&driver = *life.driver] { driver.run(); });
  life.loop.start();
  return {};
}

void SimSentinel::build(Life& life) {
  life.engine = std::make_unique<engine::Engine>(life.system(), life.logger, life.options.engine,
                                                 emptyKeyspace(life.entropy), oplog::History{life.entropy.hex(40)});
  SimProcess& process = *life.process;
  life.driver = std::make_unique<drivers::SentinelDriver>(
      *life.engine, life.sentinelOptions,
      drivers::SentinelDriver::Surroundings{.registry = life.registry,
                                            .configFile = kConfigFile,
                                            .connect = [] { return ConnectOptions{}; },
                                            .port = [] { return kPort; },
                                            .isExecutable = always,
                                            .processes = life.scripts,
                                            .utcOffset = [](UnixUs) { return 0; },
                                            .crash = [&process] { process.dieNow(Death::kKill); }});
  life.engine->process().mode = "sentinel";
  life.engine->addSentinelCommands();
  life.driver->registerCommands();
  life.engine->start({&life.loop}, life.loop);
}

}  // namespace vigil::sim
