// SPDX-License-Identifier: Apache-2.0
// Giving up root for good.
#pragma once

#include <sys/types.h>

#include <vector>

namespace ctga {

// Makes the whole process, every thread of it, run as `uid` with these groups, at least one, of
// which the first is its own, and no capability. Unless `programs_may_gain`, it also sets no_new_privs (prctl(2)), so that neither
// this process nor any program that it runs can gain rights again. None of this can be undone.
// Throws Error if a step fails; then the process must end, since it may have taken some of the
// steps.
//
// Node's own setuid() will not do: some versions refuse it wherever libuv was built with io_uring,
// used or not (CVE-2024-22017).
void become_user(uid_t uid, const std::vector<gid_t>& groups, bool programs_may_gain);

}  // namespace ctga
