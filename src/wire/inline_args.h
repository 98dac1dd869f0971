// Splits a line into words by Redis's quoting rules: the rules of inline commands, redis.conf lines and the AOF
// manifest. Pure functions, thread safe.
//
//   word       ends at a blank; a quote inside of it begins a quoted part, which the word must end with
//   "..."      with the escapes \xHH \n \r \t \b \a; any other \c stands for c
//   '...'      literal, but \' stands for '
//
// A NUL byte ends the line. Source: Redis's sdssplitargs, as documented in redis.conf.
#pragma once

#include <string_view>
#include <vector>

namespace vigil::wire {

// Appends the words of `line` to `words`, views into `storage`, which is overwritten and owns their bytes. False when
// quotes are unbalanced; `words` may then hold the words before.
bool splitArgs(std::string_view line, std::vector<char>& storage, std::vector<std::string_view>& words);

// Whether a word must be quoted to be read back as one: blanks, quotes, backslashes, unprintable bytes, or
// nothing at all.
bool needsQuotes(std::string_view word);

}  // namespace vigil::wire
