// Random use of lists, compared with std::deque<std::string>, with snapshots alive that other threads read and drop.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ds/chunked_list.h"

namespace vigil::ds {
namespace {

using Model = std::deque<std::string>;

void expectSame(const ChunkedList& list, const Model& model) {
  ASSERT_EQ(list.size(), model.size());
  IntegerText buffer;
  size_t i = 0;
  for (auto at = list.cursorAt(0); at.valid(); at.next()) ASSERT_EQ(toText(at.element(), buffer), model[i++]);
  ASSERT_EQ(i, model.size());
}

// One list, its model, and the snapshots taken of both.
class Player {
 public:
  Player(uint32_t seed, ChunkLimit limit) : random_(seed), list_(limit) {}

  void play(size_t steps) {
    for (size_t i = 0; i < steps; ++i) {
      if (i % 1000 == 0) bias_ = below(3);
      step();
      if (below(50) == 0) list_.checkInvariants();
      if (below(100) == 0) takeOrDropSnapshot();
      if (::testing::Test::HasFatalFailure()) return;
    }
    expectSame(list_, model_);
    for (std::thread& reader : readers_) reader.join();
    for (const auto& [snapshot, model] : snapshots_) expectSame(snapshot, model);
  }

 private:
  size_t below(size_t n) { return random_() % n; }

  std::string text() {
    if (below(3) == 0) return std::to_string(static_cast<int64_t>(below(20)) - 5);
    if (below(2000) == 0) return std::string(below(20'000), 'L');
    return std::string(below(below(10) == 0 ? 500 : 20), static_cast<char>('a' + below(3)));
  }

  // Growing, shrinking and steady phases take turns.
  void step() {
    const size_t choice = below(100);
    const bool shrink = bias_ == 1 ? below(3) > 0 : bias_ == 0 ? below(4) == 0 : below(2) == 0;
    if (choice < 70) return shrink ? pop() : push();
    if (choice < 80) return set();
    if (choice < 95) return shrink ? removeMatching() : insert();
    if (below(20) == 0) trim();
  }

  void push() {
    for (size_t n = below(8); n > 0; --n) {
      const std::string pushed = text();
      if (below(2) == 0) {
        list_.pushFront(pushed);
        model_.push_front(pushed);
      } else {
        list_.pushBack(pushed);
        model_.push_back(pushed);
      }
    }
  }

  void pop() {
    for (size_t n = below(8); n > 0 && !model_.empty(); --n) {
      IntegerText buffer;
      if (below(2) == 0) {
        ASSERT_EQ(toText(list_.front(), buffer), model_.front());
        list_.popFront();
        model_.pop_front();
      } else {
        ASSERT_EQ(toText(list_.back(), buffer), model_.back());
        list_.popBack();
        model_.pop_back();
      }
    }
  }

  void set() {
    if (model_.empty()) return;
    const size_t index = below(model_.size());
    const std::string replacement = text();
    list_.set(index, replacement);
    model_[index] = replacement;
    IntegerText buffer;
    ASSERT_EQ(toText(list_.at(index), buffer), replacement);
  }

  void insert() {
    const size_t index = below(model_.size() + 1);
    const std::string inserted = text();
    list_.insert(index, inserted);
    model_.insert(model_.begin() + static_cast<ptrdiff_t>(index), inserted);
  }

  void removeMatching() {
    if (model_.empty()) return;
    const std::string removed = model_[below(model_.size())];
    const size_t limit = below(4) == 0 ? SIZE_MAX : 1 + below(3);
    const bool forward = below(2) == 0;
    const ElementMatcher matcher(removed);
    size_t expected = 0;
    for (size_t i = 0; i < model_.size() && expected < limit;) {
      const size_t index = forward ? i : model_.size() - 1 - i;
      if (model_[index] == removed) {
        model_.erase(model_.begin() + static_cast<ptrdiff_t>(index));
        ++expected;
      } else {
        ++i;
      }
    }
    ASSERT_EQ(list_.removeMatching(matcher, limit,
                                   forward ? ChunkedList::Direction::kForward : ChunkedList::Direction::kBackward),
              expected);
    ASSERT_EQ(list_.size(), model_.size());
  }

  void trim() {
    const size_t front = below(model_.size() + 1);
    const size_t back = below(model_.size() - front + 1) / 2;
    list_.eraseFront(front);
    list_.eraseBack(back);
    model_.erase(model_.begin(), model_.begin() + static_cast<ptrdiff_t>(front));
    model_.erase(model_.end() - static_cast<ptrdiff_t>(back), model_.end());
  }

  void takeOrDropSnapshot() {
    if (snapshots_.size() < 4) {
      snapshots_.emplace_back(list_.snapshot(), model_);
      return;
    }
    const size_t index = below(snapshots_.size());
    auto chosen = std::move(snapshots_[index]);
    snapshots_.erase(snapshots_.begin() + static_cast<ptrdiff_t>(index));
    if (readers_.size() > 3) {
      readers_.front().join();
      readers_.pop_front();
    }
    readers_.emplace_back([snapshot = std::move(chosen)]() mutable {
      expectSame(snapshot.first, snapshot.second);
      snapshot.first.checkInvariants();
      while (!snapshot.first.dropSome(3)) {
      }
    });
  }

  std::mt19937 random_;
  ChunkedList list_;
  Model model_;
  std::vector<std::pair<ChunkedList, Model>> snapshots_;
  std::deque<std::thread> readers_;
  size_t bias_ = 0;
};

class ListModel : public ::testing::TestWithParam<int16_t> {};

TEST_P(ListModel, AgreesWithADequeAndSnapshotsStayAsTheyWere) {
  for (uint32_t seed = 0; seed < 3; ++seed) Player(seed, ChunkLimit{.fill = GetParam()}).play(4000);
}

// One element a chunk makes deep trees of small lists.
INSTANTIATE_TEST_SUITE_P(Limits, ListModel, ::testing::Values(-1, -2, -5, 1, 2, 7, 128));

}  // namespace
}  // namespace vigil::ds
