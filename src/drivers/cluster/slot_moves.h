// Carries out what the cluster's core orders for atomic migrations: opens exports, stages and discards imports, writes
// their records into the log, waits for replicas.
//
// On the control thread, but where a member says otherwise.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/ports/executor.h"
#include "cluster/migration_job.h"
#include "drivers/cluster/slot_export.h"
#include "drivers/cluster/slot_sweeper.h"
#include "drivers/migration/transfer.h"

namespace vigil::drivers {

class SlotMoves {
 public:
  using Order = cluster::MigrationOrder;
  using News = cluster::MigrationNews;
  using Record = cluster::MigrationRecord;
  // How it speaks with the cluster's driver.
  struct Host {
    std::function<void(News)> tell;    // any thread
    std::function<void(Task)> inWorld;  // any thread; in the order of the calls
    std::function<void()> route;       // world held: the engine serves what the core says now
  };

  SlotMoves(engine::Engine& engine, ReplicationOptions& options, Replication& replication, RdbDriver& rdb, Host host);

  void carryOut(const Order& order);
  void stop();  // the loops have stopped

  // Any thread: the session that brings an import's keys. It is closed when that ends.
  void bindSession(const std::string& job, engine::Worker& worker, uint64_t session);

  SlotSweeper& sweeper() { return *sweeper_; }  // world held
  // World held: what a record means for the keys, whether written here or by our master.
  void apply(const Record& record);

 private:
  struct Wait {
    oplog::Offset offset;
    size_t replicas;
    News::Kind news;
  };
  // As an import began: what shows that its keys have gone other than one by one, or a replica may lack them.
  struct Staged {
    uint64_t wholesale;
    int64_t snapshots;
  };
  struct Import {
    engine::Worker* worker;
    uint64_t session;
  };

  void open(const Order& order);
  void ask(const Order& order);
  void asked(const std::string& job, Transfer* transfer, const TransferJob& result, Transfer::End end);
  void hold(const Order& order);
  void prepare(const Order& order);
  void record(const Order& order);
  void discard(const Order& order);
  void closeSession(const std::string& job, Task then);
  void awaitReplicas(const std::string& job, Wait wait);
  void poll();
  oplog::Offset append(const Record& record, bool urgent);
  std::string whyBroken(const std::string& job, const SlotSet& slots) const;
  ConnectOptions connectOptions() const;
  std::string authentication(size_t& answers) const;

  engine::Engine& engine_;
  ReplicationOptions& options_;
  Replication& replication_;
  RdbDriver& rdb_;
  const Host host_;
  std::unique_ptr<SerialExecutor> executor_;
  std::shared_ptr<SlotSweeper> sweeper_;
  std::map<std::string, std::shared_ptr<SlotExport>> exports_;
  std::list<std::unique_ptr<Transfer>> questions_;
  std::map<std::string, Wait> waits_;
  TimerId timer_ = 0;
  std::map<std::string, Staged> staged_;  // with the world held
  Mutex mutex_;
  std::map<std::string, Import> imports_ GUARDED_BY(mutex_);
};

}  // namespace vigil::drivers
