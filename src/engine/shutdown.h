// An orderly stop, as SHUTDOWN, SIGTERM and SIGINT ask for it: steps that their owners registered, one after another,
// each of which may take its time (waiting for replicas) or refuse (the data set cannot be saved). A refusal ends the
// attempt, and the server goes on, unless FORCE was asked for.
//
// Everything runs on the control loop; request() and abort() may be called on any thread.
#pragma once

#include <functional>
#include <vector>

#include "base/ports/event_loop.h"
#include "base/result.h"

namespace vigil {
class Logger;
}

namespace vigil::engine {

class Shutdown {
 public:
  struct Request {
    bool save = false;    // SAVE: save even without save points
    bool noSave = false;  // NOSAVE
    bool now = false;     // NOW: do not wait for replicas
    bool force = false;   // FORCE: whatever fails, stop
  };
  using Done = std::move_only_function<void(Status)>;

  // In the order in which they run.
  enum class Stage { kReplicas, kAof, kSnapshot, kLast };
  struct Step {
    Stage stage = Stage::kLast;
    // Begins; `done` is called on the control loop, at once or later. An error's text goes to the log.
    std::function<void(const Request&, Done done)> start;
    // NOW was asked for while this step is under way; may be empty.
    std::function<void()> hurry = {};
    // ABORT: undoes what start() did, and done() is not called. Empty: it cannot be undone any more.
    std::function<void()> cancel = {};
    // The server goes on after all: undoes what this step, done or cancelled, has left behind. May be empty.
    std::function<void()> undo = {};
  };

  explicit Shutdown(Logger& logger) : logger_(logger) {}

  // --- Set-up ---
  void add(Step step);
  void setControl(EventLoop& control) { control_ = &control; }
  void setBegun(std::function<void()> begun) { begun_ = std::move(begun); }  // a stop begins
  void setExit(std::function<void()> exit) { exit_ = std::move(exit); }  // all steps are done

  // Begins a stop, or joins the one that is under way. `failed` hears of its end if the server goes on.
  void request(Request request, std::move_only_function<void()> failed);
  // `answer`: whether there was a stop that could be given up.
  void abort(std::move_only_function<void(bool)> answer);
  // On the control loop.
  bool inProgress() const { return running_; }

 private:
  void begin(Request request, std::move_only_function<void()> failed);
  void next();
  void onStepDone(uint64_t attempt, Status status);
  void giveUp();

  Logger& logger_;
  EventLoop* control_ = nullptr;
  std::function<void()> begun_;
  std::function<void()> exit_;
  std::vector<Step> steps_;
  bool running_ = false;
  uint64_t attempt_ = 0;  // tells a late done() of an attempt that was given up
  size_t at_ = 0;
  Request request_;
  std::vector<std::move_only_function<void()>> waiting_;
};

}  // namespace vigil::engine
