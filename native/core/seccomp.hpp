// SPDX-License-Identifier: Apache-2.0
// A filter of system calls for the process that parses what anybody sends.
#pragma once

namespace ctga {

// Takes from every thread of this process, and for good, what an observer does not need: running
// programs, sockets of other families than AF_UNIX, AF_INET and AF_INET6, signals to others, tracing,
// namespaces, mounts, keys, loading BPF programs, io_uring, and what only root may do anyway; and
// `without_network`, the last two families, and listening. They fail with EPERM, sockets with
// EAFNOSUPPORT. The process must have set no_new_privs (become_user does). Throws Error if the kernel
// refuses.
void confine(bool without_network);

}  // namespace ctga
