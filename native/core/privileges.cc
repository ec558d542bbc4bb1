// SPDX-License-Identifier: Apache-2.0
#include "core/privileges.hpp"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "core/error.hpp"

namespace ctga {

void become_user(uid_t uid, const std::vector<gid_t>& groups, bool programs_may_gain) {
  const gid_t gid = groups.at(0);
  const auto require = [](int result, const std::string& doing) {
    if (result != 0) throw kernel_error(errno, doing);
  };
  // Groups come first: only root can change them. The C library applies these calls to all threads
  // (nptl(7)), but prctl to this thread and to threads that it makes later. That is enough: the
  // threads that Node made before run no programs.
  require(setgroups(groups.size(), groups.data()), "give up root's groups");
  require(setresgid(gid, gid, gid), "become group " + std::to_string(gid));
  require(setresuid(uid, uid, uid), "become user " + std::to_string(uid));
  if (!programs_may_gain) require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
  // A process that can go back to root has not given it up.
  if (uid != 0 && setresuid(0, 0, 0) == 0) {
    throw Error(ErrorCode::kernel, 0, "root could be taken back after giving it up");
  }
}

}  // namespace ctga
