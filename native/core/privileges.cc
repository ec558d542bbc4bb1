// SPDX-License-Identifier: GPL-2.0-only
#include "core/privileges.hpp"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/error.hpp"

namespace ctga {

void become_user(uid_t uid, gid_t gid, bool programs_may_gain) {
  const auto require = [](int result, const std::string& doing) {
    if (result != 0) throw kernel_error(errno, doing);
  };
  // The C library applies each to all threads (nptl(7)); prctl alone is for this thread and those
  // it makes, and the threads that Node made before run no program. Groups first: without root they
  // cannot be changed.
  require(setgroups(1, &gid), "give up root's groups");
  require(setresgid(gid, gid, gid), "become group " + std::to_string(gid));
  require(setresuid(uid, uid, uid), "become user " + std::to_string(uid));
  if (!programs_may_gain) require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
  // Belt and braces: a process that could go back to root has not given it up.
  if (uid != 0 && setresuid(0, 0, 0) == 0) {
    throw Error(ErrorCode::kernel, 0, "root could be taken back after giving it up");
  }
}

}  // namespace ctga
