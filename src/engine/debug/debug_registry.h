// The subcommands of DEBUG. Each is registered by the part of the node that it looks into, before the loops run.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "command/context.h"

namespace vigil::engine {

class DebugRegistry {
 public:
  struct Subcommand {
    std::string_view name;                    // in capitals
    size_t leastArguments = 0;                // behind the name
    size_t mostArguments = 0;
    std::span<const std::string_view> help;  // "NAME <argument>", then indented lines
    std::function<void(command::Context&)> run;
  };

  void add(Subcommand subcommand) { subcommands_.push_back(std::move(subcommand)); }

  // nullptr if there is none of that name, in any case of letters, that takes that many arguments.
  const Subcommand* find(std::string_view name, size_t arguments) const;
  void replyHelp(command::Reply& reply) const;

 private:
  std::vector<Subcommand> subcommands_;
};

}  // namespace vigil::engine
