// Keeps in touch with an instance: connections, PING, INFO, and our hello.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

// Does whatever is due. Called on every tick, and may be at any time.
void watch(Step& step, Instance& instance);

// What its name means, numerically: by that others know it, also while it is down.
void onResolved(Instance& instance, const std::string& ip);
void onConnected(Step& step, Instance& instance, const Event& event);
void onConnectFailed(Step& step, Instance& instance, const Event& event);
void onBroken(Step& step, Instance& instance, const Event& event);
void onPingReply(Step& step, Instance& instance, const wire::RespValue& reply);

MonoUs pingPeriod(const Step& step, const Instance& instance);

// Asks for INFO now, unless the last question waits for its answer.
void askInfo(Step& step, Instance& instance);
void askInfoOfReplicas(Step& step, MonitoredMaster& master);
// Says hello to everybody now: our configuration changed.
void sayHello(Step& step, MonitoredMaster& master);
void sayHello(Step& step, Instance& instance);

}  // namespace vigil::sentinel
