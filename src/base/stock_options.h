// All options of redis-server 7.2 that no owner has claimed: accepted, checked, shown, set and rewritten as there, with
// no effect. So a redis.conf of any age loads, and what does nothing here stands in one list with its reason.
//
// Register after all owners, before the file is read:
//
//   StockOptions stock;
//   stock.registerMissing(registry);
//
// Values are of no interest to anybody; `this` must live as long as the registry.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/config_specials.h"

namespace vigil {

class StockOptions {
 public:
  // A row whose name or alias is taken is left out. The lines user, rename-command, loadmodule and sentinel are refused
  // with a clear text unless somebody took them: to ignore them would be a danger.
  void registerMissing(ConfigRegistry& registry);

 private:
  struct Value {
    std::atomic<int64_t> number{0};
    SharedString text;
  };

  void registerSpecials(ConfigRegistry& registry);

  std::deque<Value> values_;
  Shared<SavePoints> save_{kDefaultSavePoints};
  Shared<OutputBufferLimits> outputBufferLimits_;
  Shared<AddressList> bind_{AddressList{"*", "-::*"}};
  Shared<MasterAddress> replicaOf_;
  Shared<std::vector<double>> percentiles_{std::vector<double>{50, 99, 99.9}};
  Shared<std::vector<int64_t>> oomScores_{std::vector<int64_t>{0, 200, 800}};
  SharedString procTitle_{"{title} {listen-addr} {server-mode}"};
  std::atomic<int> keyspaceEvents_{0}, shutdownOnSigint_{0}, shutdownOnSigterm_{0};
};

// The options page of the documentation (docs/OPTIONS.md): what each option is and what it does here.
std::string optionsPage(const ConfigRegistry& registry);

}  // namespace vigil
