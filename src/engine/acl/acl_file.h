// The text of an ACL file: one `user` line for each user, as ACL LIST shows them. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/acl/rules.h"

namespace vigil::engine::acl {

// All users of the text, without ids. The error lists what is wrong in every line; then nothing of it counts.
// `path`: as the error names the file.
Result<std::vector<User>> readUsers(std::string_view text, const std::string& path, const RuleContext& context);

// What ACL LOAD, or the log at the start, says of a file that cannot be read.
std::string openingFailed(const std::string& path, const Error& error);

// "user bob on …", without an end of line.
std::string userLine(const User& user);
// The same for the configuration file, where quotes have a meaning.
std::string configurationLine(const User& user);

}  // namespace vigil::engine::acl
