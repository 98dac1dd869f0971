// INFO memory.
#include "engine/engine.h"
#include "engine/info_registry.h"
#include "engine/info_sections.h"
#include "engine/memory_report.h"

namespace vigil::engine {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

uint64_t bytes(int64_t n) { return n > 0 ? static_cast<uint64_t>(n) : 0; }

void writeUse(InfoWriter& info, const MemoryReport& report) {
  info.size("used_memory", bytes(report.used));
  info.size("used_memory_rss", bytes(report.resident));
  info.size("used_memory_peak", bytes(report.peak));
  info.percent("used_memory_peak_perc", report.peakPercent());
  info.number("used_memory_overhead", report.overhead());
  info.number("used_memory_startup", report.startup);
  info.number("used_memory_dataset", report.dataset());
  info.percent("used_memory_dataset_perc", report.datasetPercent());
  info.number("allocator_allocated", report.used);
  info.number("allocator_active", report.anonymous);
  info.number("allocator_resident", report.anonymous);
}

void writeScripts(InfoWriter& info, const ScriptMemory& scripts) {
  const int64_t interpreters = scripts.evalInterpreter + scripts.functionInterpreter;
  const int64_t code = scripts.evalScripts + scripts.functionCode;
  info.number("used_memory_lua", scripts.evalInterpreter);
  info.number("used_memory_vm_eval", scripts.evalInterpreter);
  info.human("used_memory_lua_human", bytes(scripts.evalInterpreter));
  info.number("used_memory_scripts_eval", scripts.evalScripts);
  info.number("number_of_cached_scripts", scripts.cachedScripts);
  info.number("number_of_functions", scripts.functions);
  info.number("number_of_libraries", scripts.libraries);
  info.number("used_memory_vm_functions", scripts.functionInterpreter);
  info.number("used_memory_vm_total", interpreters);
  info.human("used_memory_vm_total_human", bytes(interpreters));
  info.number("used_memory_functions", scripts.functionCode);
  info.number("used_memory_scripts", code);
  info.human("used_memory_scripts_human", bytes(code));
}

void writeFragmentation(InfoWriter& info, const MemoryReport& report) {
  info.fixed("allocator_frag_ratio", report.allocatorFragmentation(), 2);
  info.number("allocator_frag_bytes", report.anonymous - report.used);
  // What the allocator holds and what of that is resident are one number here.
  info.fixed("allocator_rss_ratio", 1, 2);
  info.number("allocator_rss_bytes", 0);
  info.fixed("rss_overhead_ratio", report.processOverhead(), 2);
  info.number("rss_overhead_bytes", report.resident - report.anonymous);
  info.fixed("mem_fragmentation_ratio", report.fragmentation(), 2);
  info.number("mem_fragmentation_bytes", report.resident - report.used);
}

void writeBuffers(InfoWriter& info, Engine& engine, const MemoryReport& report) {
  info.number("mem_not_counted_for_evict", report.notCounted);
  info.number("mem_replication_backlog", report.backlog);
  info.number("mem_total_replication_buffers", report.replicationBuffers);
  info.number("mem_clients_slaves", report.replicaClients);
  info.number("mem_clients_normal", report.normalClients);
  info.number("mem_cluster_links", engine.state().clusterLinkMemory.load(kRelaxed));
  info.number("mem_aof_buffer", report.aofBuffer);
}

void write(InfoWriter& info, Engine& engine) {
  const MemoryReport report = MemoryReport::of(engine);
  const MemoryOptions& options = engine.options().memory;
  writeUse(info, report);
  info.size("total_system_memory", engine.process().totalSystemMemory);
  writeScripts(info, report.scripts);
  info.size("maxmemory", options.limit.load(kRelaxed));
  info.field("maxmemory_policy", keyspace::evictionPolicyName(options.policy.load(kRelaxed)));
  writeFragmentation(info, report);
  writeBuffers(info, engine, report);
  info.field("mem_allocator", engine.process().allocator);
  info.number("active_defrag_running", 0);
  info.number("lazyfree_pending_objects", engine.reaperPending());
  info.number("lazyfreed_objects", engine.statistics().lazilyFreed());
}

}  // namespace

void addMemorySection(InfoRegistry& info, Engine& engine) {
  info.add("memory", "memory", [&engine](InfoWriter& out) { write(out, engine); });
}

}  // namespace vigil::engine
