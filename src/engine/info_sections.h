// The parts of INFO that are the engine's own, and those that hold as long as no owner has taken their place.
#pragma once

namespace vigil::engine {

class Engine;
class InfoRegistry;

void addEngineSections(InfoRegistry& info, Engine& engine);      // server, clients, memory, cpu, cluster, keyspace
void addMemorySection(InfoRegistry& info, Engine& engine);       // memory; added by addEngineSections()
void addStatisticsSections(InfoRegistry& info, Engine& engine);  // stats, commandstats, errorstats
// Of a node that saves nothing and has no replica: persistence, replication.
void addDefaultSections(InfoRegistry& info, Engine& engine);

}  // namespace vigil::engine
