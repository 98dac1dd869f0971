// What the log tells of this node beside what it did to keys, and only nodes of ours understand. It stands there as
// ECHO with one argument, the note's words with blanks between them: a redis-server that loads the AOF, or follows the
// log, answers that, to nobody.
//
//   ECHO "CLUSTER SYNCSLOTS STAGE <job> <node> 0-99"
//
// Pure; thread safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/context.h"

namespace vigil::command {

// The argument of ECHO. The words hold no blanks, and begin with CLUSTER SYNCSLOTS.
std::string noteText(std::span<const std::string> words);
// The words of a note, as views of its argument: the command that they are. Empty: `args` is no note.
std::vector<std::string_view> noteWords(Args args);

}  // namespace vigil::command
