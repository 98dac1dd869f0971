// ACL LOAD and ACL SAVE. The disk may take its time: the worker goes on with others meanwhile.
#pragma once

namespace vigil::command {
class Context;
}

namespace vigil::engine::acl {

void loadUsers(command::Context& ctx);
void saveUsers(command::Context& ctx);

}  // namespace vigil::engine::acl
