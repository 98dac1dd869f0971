// The search of Wing and Gong, with Lowe's memory of where it has been: (set of operations done, state).
#include "sim/history.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <unordered_set>

namespace vigil::sim {

namespace {

constexpr size_t kMaxSteps = 400'000;

uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 31)) * 0x7fb5d329728ea185ULL;
  x = (x ^ (x >> 27)) * 0x81dadef4bc2dd44dULL;
  return x ^ (x >> 33);
}

// "[$key, $item]": the key; of any other answer nothing.
std::string keyOfPop(const std::string& answer) {
  size_t comma = answer.find(", ");
  return answer.starts_with("[$") && comma != std::string::npos ? answer.substr(2, comma - 2) : std::string();
}

class Search {
 public:
  explicit Search(std::vector<Operation> history) : history_(std::move(history)), done_(history_.size(), false) {
    std::stable_sort(history_.begin(), history_.end(), [](auto& a, auto& b) { return a.called < b.called; });
    for (const Operation& operation : history_) left_ += operation.answered != kNeverAnswered;
  }

  Verdict run(const Model& initial) {
    const bool found = left_ == 0 || search(initial);
    Verdict verdict;
    verdict.undecided = !found && steps_ > kMaxSteps;
    verdict.holds = found || verdict.undecided;
    if (!verdict.holds) verdict.why = explain();
    return verdict;
  }

 private:
  // One operation more is done than in the step before: what the state is then, and what has been tried to come next.
  struct Step {
    Model state;
    uint64_t doneHash;
    size_t first;         // first_ at this step
    SimTime firstAnswer;  // only what was called before the first answer still to come can be next
    bool lost = false;    // answered ones are tried first: operations without an answer seldom matter
    size_t at;            // to be looked at next
    size_t candidate = 0;
    std::vector<Model> starts = {};  // states in which the candidate may have found things
    size_t nextStart = 0;
  };

  // Depth first. Histories are long, so the way is kept here and not on the stack.
  bool search(const Model& initial) {
    if (!enter(initial, 0)) return false;
    while (!way_.empty() && steps_ <= kMaxSteps) {
      if (goOn()) {
        if (left_ == 0) return true;
        continue;
      }
      way_.pop_back();
      if (!way_.empty()) undo(way_.back());
    }
    return false;
  }

  // False: this has been seen before, or the search is given up.
  bool enter(const Model& state, uint64_t doneHash) {
    if (++steps_ > kMaxSteps) return false;
    if (!seen_.insert(mixed(doneHash) ^ std::hash<std::string>()(state.fingerprint())).second) return false;
    noteProgress(state);
    SimTime firstAnswer = kNeverAnswered;
    for (size_t i = first_; i < history_.size(); ++i) {
      if (history_[i].called > firstAnswer) break;
      if (!done_[i]) firstAnswer = std::min(firstAnswer, history_[i].answered);
    }
    way_.push_back({.state = state, .doneHash = doneHash, .first = first_, .firstAnswer = firstAnswer, .at = first_});
    return true;
  }

  // One step further from the last one, or to the end; false: nothing is left to try there.
  bool goOn() {
    Step& step = way_.back();
    do {
      while (step.nextStart < step.starts.size()) {
        Model& next = step.starts[step.nextStart++];
        const Operation& operation = history_[step.candidate];
        if (!matches(operation, next)) continue;
        done_[step.candidate] = true;
        left_ -= operation.answered != kNeverAnswered;
        while (first_ < done_.size() && done_[first_]) ++first_;
        if (left_ == 0 || enter(std::move(next), step.doneHash + mixed(step.candidate + 1))) return true;
        undo(step);
      }
    } while (nextCandidate(step));
    return false;
  }

  void undo(const Step& step) {
    done_[step.candidate] = false;
    left_ += history_[step.candidate].answered != kNeverAnswered;
    first_ = step.first;
  }

  bool nextCandidate(Step& step) {
    for (;;) {
      for (; step.at < history_.size() && history_[step.at].called <= step.firstAnswer; ++step.at) {
        const Operation& operation = history_[step.at];
        if (done_[step.at] || (operation.answered == kNeverAnswered) != step.lost) continue;
        step.candidate = step.at++;
        step.nextStart = 0;
        step.starts.assign(1, step.state);
        expire(operation, step.starts);
        chooseKeys(operation, step.starts);
        return true;
      }
      if (step.lost) return false;
      step.lost = true;
      step.at = step.first;
    }
  }

  // Every way in which keys can have expired when the operation happened.
  static void expire(const Operation& operation, std::vector<Model>& states) {
    std::vector<std::string> dying;
    for (const auto& [key, value] : states[0].keys) {
      if (value.expiresBefore != 0 && operation.answered >= value.expiresAfter) dying.push_back(key);
    }
    for (const std::string& key : dying) {
      bool mayLive = operation.called <= states[0].keys[key].expiresBefore;
      size_t count = states.size();
      for (size_t s = 0; s < count; ++s) {
        Model dead = states[s];
        dead.keys.erase(key);
        if (mayLive) {
          states.push_back(std::move(dead));
        } else {
          states[s] = std::move(dead);
        }
      }
    }
  }

  // A BLPOP that waited is served from the key that was pushed to first, whatever the order of its arguments. One
  // without an answer may have been served from any.
  static void chooseKeys(const Operation& operation, std::vector<Model>& states) {
    const Words& command = operation.commands[0];
    if (operation.answered != kNeverAnswered || command[0] != "BLPOP") return;
    size_t count = states.size();
    for (size_t s = 0; s < count; ++s) {
      for (size_t key = 2; key + 1 < command.size(); ++key) {
        states.push_back(states[s]);
        states.back().preferredKey = command[key];
      }
    }
  }

  static bool matches(const Operation& operation, Model& state) {
    Window when{operation.called, operation.answered};
    if (operation.answered != kNeverAnswered && operation.answers.size() != operation.commands.size()) return false;
    for (size_t c = 0; c < operation.commands.size(); ++c) {
      if (operation.commands[c][0] == "BLPOP" && operation.answered != kNeverAnswered) {
        state.preferredKey = keyOfPop(operation.answers[c]);
      }
      std::string answer = state.run(operation.commands[c], when);
      if (operation.answered == kNeverAnswered) continue;
      if (answer != operation.answers[c]) return false;
    }
    return true;
  }

  void noteProgress(const Model& state) {
    if (left_ >= fewestLeft_) return;
    fewestLeft_ = left_;
    furthest_ = state.fingerprint();
    stuck_.clear();
    for (size_t i = first_; i < history_.size() && stuck_.size() < 6; ++i) {
      if (!done_[i] && history_[i].answered != kNeverAnswered) stuck_.push_back(i);
    }
  }

  std::string explain() const {
    std::string text = "no order explains the answers; the best leaves " + std::to_string(fewestLeft_) +
                       " operations; state there: " + furthest_ + "; next ones:";
    for (size_t i : stuck_) text += "\n    " + describe(history_[i]);
    return text;
  }

  std::vector<Operation> history_;
  std::vector<bool> done_;
  size_t left_ = 0;
  size_t first_ = 0;  // all before it are done
  size_t steps_ = 0;
  std::deque<Step> way_;
  std::unordered_set<uint64_t> seen_;
  size_t fewestLeft_ = SIZE_MAX;
  std::string furthest_;
  std::vector<size_t> stuck_;
};

}  // namespace

std::string describe(const Operation& operation) {
  std::string text = "client " + std::to_string(operation.client) + " [" + std::to_string(operation.called) + ", " +
                     (operation.answered == kNeverAnswered ? "never" : std::to_string(operation.answered)) + "]";
  for (size_t i = 0; i < operation.commands.size(); ++i) {
    text += (i == 0 ? " " : "; ") + brief(operation.commands[i]);
    if (i < operation.answers.size()) text += " -> " + operation.answers[i];
  }
  return text;
}

Verdict checkLinearizable(const std::vector<Operation>& history, const Model& initial) {
  return Search(history).run(initial);
}

}  // namespace vigil::sim
