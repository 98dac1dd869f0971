// Whether the configuration that we made is still the last one, so that servers which contradict it may be repaired at
// once. Redis waits until a newer one would have been heard of; but hellos may be held up by the same fault for longer.
//
// Any newer one was voted for by a majority. So if so many Sentinels that every majority has one of them say, asked
// after we saw what contradicts it, that they have voted in no election since ours, there is none.
//
// That we led (MonitoredMaster::ledLast) is not durable, and need not be: a Sentinel that has been restarted waits as
// Redis does, and nothing else rests on it. What must not be forgotten, in which epoch we and others voted, is in the
// file.
#pragma once

#include "sentinel/step.h"

namespace vigil::sentinel {

// Asks the others, unless that has been done a moment ago. We led the failover that made the present configuration.
// True: nobody's answer is needed, since there is no majority without us.
bool askForConfirmation(Step& step, MonitoredMaster& master);
// The answer of one of them. True: it was the last that was missing.
bool onConfirmation(Step& step, Instance& sentinel, const wire::RespValue& reply);

}  // namespace vigil::sentinel
