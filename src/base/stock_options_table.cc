// Names, types, ranges and defaults are those that redis-server shows and accepts (CONFIG GET, redis.conf).
#include "base/stock_options_table.h"

namespace vigil::stock {

namespace {

constexpr Row kNetwork[] = {
    yesNo("protected-mode", true),
    integer("port", 6379, 0, 65535),
    integer("tcp-backlog", 511, 0, kMaxInt, kImmutable),
    integer("tcp-keepalive", 300, 0, kMaxInt),
    integer("timeout", 0, 0, kMaxInt),
    integer("maxclients", 10000, 1, UINT_MAX),
    integer("socket-mark-id", 0, 0, UINT_MAX, kImmutable),
    integer("databases", 16, 1, kMaxInt, kImmutable),
    integer("io-threads", 1, 1, 128, kImmutable),
    text("unixsocket", "", kImmutable),
    {"unixsocketperm", Kind::kOctal, 0, "", 0, 0777, kImmutable, ""},
    text("bind-source-addr", ""),
    memory("client-query-buffer-limit", 1 << 30, 1 << 20),
    memory("proto-max-bulk-len", 512 << 20, 1 << 20),
    {"maxmemory-clients", Kind::kPercentOrMemory, 0, "", 0, kMaxLong, 0, ""},
};

constexpr Row kProcess[] = {
    yesNo("daemonize", false, kImmutable),
    choice("supervised", "upstart|systemd|auto|no", 3, kImmutable),
    text("pidfile", "", kImmutable),
    text("logfile", "", kImmutable | kEmptyIsValue),
    choice("loglevel", "debug|verbose|notice|warning", 2),
    yesNo("syslog-enabled", false, kImmutable),
    text("syslog-ident", "redis", kImmutable),
    choice("syslog-facility", "user|local0|local1|local2|local3|local4|local5|local6|local7", 1, kImmutable),
    yesNo("set-proc-title", true, kImmutable),
    yesNo("crash-log-enabled", true),
    text("dir", ".", kProtected | kDeniedWhileLoading | kNotEmpty),
    choice("oom-score-adj", "no|yes|relative|absolute", 0),
    integer("shutdown-timeout", 10, 0, kMaxInt),
    text("server-cpulist", "", kImmutable, "server_cpulist"),
    text("bio-cpulist", "", kImmutable, "bio_cpulist"),
    choice("enable-protected-configs", "no|yes|local", 0, kImmutable),
    choice("enable-debug-command", "no|yes|local", 0, kImmutable),
};

constexpr Row kPersistence[] = {
    {"dbfilename", Kind::kFileName, 0, "dump.rdb", 0, 0, kProtected, ""},
    yesNo("rdbcompression", true),
    yesNo("rdbchecksum", true, kImmutable),
    yesNo("rdb-del-sync-files", false),
    yesNo("stop-writes-on-bgsave-error", true),
    yesNo("appendonly", false, kDeniedWhileLoading),
    {"appendfilename", Kind::kFileName, 0, "appendonly.aof", 0, 0, kImmutable | kNotEmpty, ""},
    {"appenddirname", Kind::kFileName, 0, "appendonlydir", 0, 0, kImmutable | kNotEmpty, ""},
    choice("appendfsync", "everysec|always|no", 0),
    integer("auto-aof-rewrite-percentage", 100, 0, kMaxInt),
    memory("auto-aof-rewrite-min-size", 64 << 20),
    yesNo("aof-load-truncated", true),
    yesNo("aof-use-rdb-preamble", true),
    yesNo("aof-timestamp-enabled", false),
    yesNo("aof-disable-auto-gc", false),
};

constexpr Row kReplication[] = {
    text("masteruser", "", kSensitive),
    text("masterauth", "", kSensitive),
    yesNo("replica-serve-stale-data", true, 0, "slave-serve-stale-data"),
    yesNo("replica-read-only", true, 0, "slave-read-only"),
    yesNo("replica-ignore-maxmemory", true, 0, "slave-ignore-maxmemory"),
    yesNo("replica-announced", true),
    integer("replica-priority", 100, 0, kMaxInt, 0, "slave-priority"),
    text("replica-announce-ip", "", 0, "slave-announce-ip"),
    integer("replica-announce-port", 0, 0, 65535, 0, "slave-announce-port"),
    yesNo("repl-diskless-sync", true),
    integer("repl-diskless-sync-delay", 5, 0, kMaxInt),
    integer("repl-diskless-sync-max-replicas", 0, 0, kMaxInt),
    integer("repl-ping-replica-period", 10, 1, kMaxInt, 0, "repl-ping-slave-period"),
    integer("repl-timeout", 60, 1, kMaxInt),
    yesNo("repl-disable-tcp-nodelay", false),
    memory("repl-backlog-size", 1 << 20, 1),
    integer("repl-backlog-ttl", 3600, 0, kMaxLong),
    integer("min-replicas-to-write", 0, 0, kMaxInt, 0, "min-slaves-to-write"),
    integer("min-replicas-max-lag", 10, 0, kMaxInt, 0, "min-slaves-max-lag"),
};

constexpr Row kFullResyncLoad[] = {
    choice("repl-diskless-load", "disabled|on-empty-db|swapdb", 0, kDeniedWhileLoading),
};

constexpr Row kOldDataSet[] = {
    yesNo("replica-lazy-flush", false, 0, "slave-lazy-flush"),
};

constexpr Row kReplicaDisk[] = {
    yesNo("replica-ignore-disk-write-errors", false),
};

constexpr Row kCluster[] = {
    yesNo("tls-cluster", false),
    yesNo("cluster-enabled", false, kImmutable),
    {"cluster-config-file", Kind::kText, 0, "nodes.conf", 0, 0, kImmutable, ""},
    integer("cluster-port", 0, 0, 65535, kImmutable),
    integer("cluster-node-timeout", 15000, 0, kMaxLong),
    integer("cluster-migration-barrier", 1, 0, kMaxInt),
    integer("cluster-replica-validity-factor", 10, 0, kMaxInt, 0, "cluster-slave-validity-factor"),
    yesNo("cluster-replica-no-failover", false, 0, "cluster-slave-no-failover"),
    yesNo("cluster-require-full-coverage", true),
    yesNo("cluster-allow-reads-when-down", false),
    yesNo("cluster-allow-pubsubshard-when-down", true),
    yesNo("cluster-allow-replica-migration", true),
    memory("cluster-link-sendbuf-limit", 0),
    text("cluster-announce-ip", ""),
    {"cluster-announce-hostname", Kind::kHostName, 0, "", 0, 0, 0, ""},
    text("cluster-announce-human-nodename", ""),
    integer("cluster-announce-port", 0, 0, 65535),
    integer("cluster-announce-bus-port", 0, 0, 65535),
    integer("cluster-announce-tls-port", 0, 0, 65535),
    choice("cluster-preferred-endpoint-type", "ip|hostname|unknown-endpoint", 0),
};

constexpr Row kMemory[] = {
    memory("maxmemory", 0),
    choice("maxmemory-policy",
           "volatile-lru|volatile-lfu|volatile-random|volatile-ttl|allkeys-lru|allkeys-lfu|allkeys-random|noeviction",
           7),
    integer("maxmemory-samples", 5, 1, kMaxInt),
    integer("maxmemory-eviction-tenacity", 10, 0, 100),
    integer("lfu-log-factor", 10, 0, kMaxInt),
    integer("lfu-decay-time", 1, 0, kMaxInt),
    integer("active-expire-effort", 1, 1, 10),
    integer("hz", 10, 0, kMaxInt),
};

constexpr Row kMonitoring[] = {
    integer("slowlog-log-slower-than", 10000, -1, kMaxLong),
    integer("slowlog-max-len", 128, 0, kMaxLong),
    integer("latency-monitor-threshold", 0, 0, kMaxLong),
    yesNo("latency-tracking", true),
    integer("tracking-table-max-keys", 1000000, 0, kMaxLong),
    integer("busy-reply-threshold", 5000, 0, kMaxLong, 0, "lua-time-limit"),
};

constexpr Row kEncodings[] = {
    integer("hash-max-listpack-entries", 512, 0, kMaxLong, 0, "hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", 64, 0, "hash-max-ziplist-value"),
    integer("list-max-listpack-size", -2, INT_MIN, kMaxInt, 0, "list-max-ziplist-size"),
    integer("set-max-intset-entries", 512, 0, kMaxLong),
    integer("set-max-listpack-entries", 128, 0, kMaxLong),
    memory("set-max-listpack-value", 64),
    integer("zset-max-listpack-entries", 128, 0, kMaxLong, 0, "zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", 64, 0, "zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", 3000),
    memory("stream-node-max-bytes", 4096),
    integer("stream-node-max-entries", 100, 0, kMaxLong),
};

constexpr Row kListNodes[] = {
    integer("list-compress-depth", 0, 0, kMaxInt),
};

constexpr Row kModules[] = {
    choice("enable-module-command", "no|yes|local", 0, kImmutable),
};

constexpr Row kNoFork[] = {
    text("bgsave-cpulist", "", kImmutable, "bgsave_cpulist"),
    text("aof-rewrite-cpulist", "", kImmutable, "aof_rewrite_cpulist"),
    yesNo("no-appendfsync-on-rewrite", false),
    yesNo("rdb-save-incremental-fsync", true),
    yesNo("aof-rewrite-incremental-fsync", true),
    yesNo("disable-thp", true, kImmutable),
    text("ignore-warnings", "", kEmptyIsValue),
};

constexpr Row kTables[] = {
    yesNo("activerehashing", true),
    yesNo("dynamic-hz", true),
    yesNo("io-threads-do-reads", false, kImmutable),
};

constexpr Row kAllocator[] = {
    yesNo("activedefrag", false),
    yesNo("jemalloc-bg-thread", true),
    memory("active-defrag-ignore-bytes", 100 << 20, 1),
    integer("active-defrag-threshold-lower", 10, 0, 1000),
    integer("active-defrag-threshold-upper", 100, 0, 1000),
    integer("active-defrag-cycle-min", 1, 1, 99),
    integer("active-defrag-cycle-max", 25, 1, 99),
    integer("active-defrag-max-scan-fields", 1000, 1, kMaxLong),
};

constexpr Row kLazyFree[] = {
    yesNo("lazyfree-lazy-eviction", false),   yesNo("lazyfree-lazy-expire", false),
    yesNo("lazyfree-lazy-server-del", false), yesNo("lazyfree-lazy-user-del", false),
    yesNo("lazyfree-lazy-user-flush", false),
};

constexpr Row kAlwaysChecked[] = {
    choice("sanitize-dump-payload", "no|yes|clients", 0),
};

constexpr Row kCosmetic[] = {
    yesNo("always-show-logo", false, kImmutable),
    yesNo("crash-memcheck-enabled", true),
};

constexpr Row kDebugging[] = {
    integer("key-load-delay", 0, INT_MIN, kMaxInt, kHidden),
    integer("rdb-key-save-delay", 0, INT_MIN, kMaxInt, kHidden),
    integer("loading-process-events-interval-bytes", 2 << 20, 1024, kMaxInt, kHidden),
    integer("watchdog-period", 0, 0, kMaxInt, kHidden),
    yesNo("use-exit-on-panic", false, kHidden),
    yesNo("lua-enable-deprecated-api", false, kHidden | kImmutable),
};

using enum OptionStanding;

constexpr Section kSections[] = {
    {kNotYet, "clients and sockets", kNetwork},
    {kNotYet, "the process and its log", kProcess},
    {kNotYet, "RDB and AOF", kPersistence},
    {kNotYet, "replication", kReplication},
    {kNotYet, "there is no cluster mode yet", kCluster},
    {kNotYet, "memory limits, eviction and expiry", kMemory},
    {kNotYet, "logs of slow commands, tracking and scripts", kMonitoring},
    {kNotYet, "encodings of collections", kEncodings},
    {kNoMeaning, "a replica always loads a full resync as it comes, beside its old data, and swaps at the end", kFullResyncLoad},
    {kNoMeaning, "a replica's old data set is freed in the background, once the new one has taken its place", kOldDataSet},
    {kNoMeaning, "a replica whose disk takes no writes goes on: what is not written yet stays in the log until it does", kReplicaDisk},
    {kNoMeaning, "lists are trees of chunks that snapshots share and any command may reach: none is kept compressed in memory", kListNodes},
    {kNoMeaning, "modules are not loaded", kModules},
    {kNoMeaning, "snapshots and rewrites need no fork, so nothing has to be arranged around one", kNoFork},
    {kNoMeaning, "tables grow in small steps, timers are exact and every thread reads its own connections", kTables},
    {kNoMeaning, "belongs to jemalloc, which is not the allocator here", kAllocator},
    {kNotYet, "freeing in the background", kLazyFree},
    {kNoMeaning, "every length and link of a payload is always checked, while it is turned into a value", kAlwaysChecked},
    {kNoMeaning, "there is no logo and no memory test after a crash", kCosmetic},
    {kNoMeaning, "serves the tests of redis-server itself", kDebugging},
};

}  // namespace

std::span<const Section> sections() { return kSections; }

}  // namespace vigil::stock
