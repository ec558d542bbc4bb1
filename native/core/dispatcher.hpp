// SPDX-License-Identifier: Apache-2.0
// libxdp's dispatcher: an XDP program that calls those of several owners in the order of their
// priorities, each of which takes the place of one of its functions (freplace). Who comes or goes has
// libxdp put another dispatcher there, with the same programs in it.
//
// libxdp is looked for when it is needed (dlopen): without it, there is no dispatcher to join.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ctga {

// Among the programs of a dispatcher, those of a lower priority run earlier. xdp-filter has 10, and
// what xdp-loader loads has 50 unless told.
constexpr std::uint32_t kRunPriority = 0;

// The IDs of the programs that a dispatcher calls, in order, as libxdp has pinned them; none if the
// XDP program `dispatcher_id` of this interface is no dispatcher, or this process may not look. Throws
// Error{kernel}.
std::vector<std::uint32_t> dispatched_programs(std::uint32_t interface_index,
                                               std::uint32_t dispatcher_id);

enum class Joined {
  yes,    // the program is loaded, and in the dispatcher
  alone,  // it is loaded, and on no interface: the kernel has no freplace, for instance
  no,     // it may not be loaded
};

// Loads the program from its object, which is open and was not loaded, and puts it into the
// interface's dispatcher, first, or into a new one if the interface has no XDP program. `native`: in
// the driver and not in the network stack. Unless that worked, `refusal` says why, in words.
Joined join_dispatcher(bpf_object* object, const char* program, std::uint32_t interface_index,
                       bool native, std::string& refusal);

// Takes a program out of the interface's dispatcher; the last one takes the dispatcher with it.
// Throws Error{kernel, not_permitted}.
void leave_dispatcher(int program_fd, std::uint32_t interface_index);

}  // namespace ctga
