// What instances say of themselves and of each other: INFO, and hellos of other Sentinels.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

void onInfo(Step& step, Instance& instance, const std::string& text);
// The configuration that we made is confirmed to be the last: servers that contradict it are told so now.
void repairReplicas(Step& step, MonitoredMaster& master);
// On the hello channel of an instance, or published to us by another Sentinel.
void onHello(Step& step, std::string_view text);

}  // namespace vigil::sentinel
