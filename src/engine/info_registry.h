// INFO as a registry: each owner writes its own part of a section, INFO itself knows no owner.
//
//   engine.info().add("replication", "replicas", [this](InfoWriter& info) { info.number("connected_slaves", count());
//   });
//
// A part has a name within its section. The engine registers what holds for a node without the owner (no replica, no
// snapshot); an owner that adds a part of the same name takes its place, any other part follows those that are there.
//
// Filled before the loops run, constant afterwards. Writers are called on any worker, several at a time: they read what
// is thread safe, and take no data lock.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace vigil::engine {

// Lines of INFO: "name:value\r\n".
class InfoWriter {
 public:
  explicit InfoWriter(std::string& text) : text_(text) {}

  void field(std::string_view name, std::string_view value);
  void number(std::string_view name, int64_t value);
  void fixed(std::string_view name, double value, int decimals);  // "1.08"
  void percent(std::string_view name, double value);              // "99.50%"
  void size(std::string_view name, uint64_t bytes);               // the bytes, and name_human
  void human(std::string_view name, uint64_t bytes);              // "894.90K"

 private:
  std::string& text_;
};

std::string humanSize(uint64_t bytes);

class InfoRegistry {
 public:
  using Writer = std::function<void(InfoWriter&)>;

  // `section`: one of Redis's, in lower case.
  void add(std::string_view section, std::string_view part, Writer writer);
  // Shows no other sections than these, in Redis's order.
  void keepOnly(std::vector<std::string> sections) { only_ = std::move(sections); }
  // The text of the sections asked for: names, or "default", "all", "everything"; none: default. Unknown ones are
  // left out.
  std::string write(const std::vector<std::string>& wanted) const;

 private:
  struct Part {
    std::string section;
    std::string name;
    Writer writer;
  };
  bool isShown(std::string_view section) const;

  std::vector<Part> parts_;
  std::vector<std::string> only_;  // empty: all but sentinel
};

}  // namespace vigil::engine
