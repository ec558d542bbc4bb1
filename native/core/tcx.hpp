// SPDX-License-Identifier: Apache-2.0
// The program at an interface's TC ingress by a tcx link (Linux 6.6), which runs before every filter
// of the clsact qdisc, is pinned as an XDP link is, and goes with its interface.
#pragma once

#include <cstdint>
#include <vector>

#include "core/file_descriptor.hpp"

namespace ctga {

// BPF_LINK_TYPE_TCX, which the headers of Debian 12 do not have.
constexpr std::uint32_t kTcxLinkType = 11;

// The IDs of all programs there, ours or not, in the order in which they run. None if the kernel has
// no tcx or the interface is not in this network namespace.
std::vector<std::uint32_t> tcx_programs(std::uint32_t interface_index);

// Puts the program before all others. Returns the link; none if the kernel has no tcx.
FileDescriptor tcx_attach(std::uint32_t interface_index, int program_fd);

}  // namespace ctga
