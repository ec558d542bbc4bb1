// SPDX-License-Identifier: GPL-2.0-only
// Giving up root for good.
#pragma once

#include <sys/types.h>

namespace ctga {

// Turns the whole process, every thread of it, into `uid` and `gid` with no other group, no
// capability and no way to gain any (no_new_privs, prctl(2)), unless the programs that it runs may.
// Cannot be undone. Throws Error; then the process must end, since some of it may be done.
//
// Node's own setuid() will not do: some versions refuse it wherever libuv was built with io_uring,
// used or not (CVE-2024-22017).
void become_user(uid_t uid, gid_t gid, bool programs_may_gain);

}  // namespace ctga
