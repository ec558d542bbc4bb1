// SPDX-License-Identifier: Apache-2.0
// The program as a TC classifier at an interface's ingress, for interfaces that take no XDP program
// or have somebody else's. The filter stays when the process ends, as a pinned link does.
#pragma once

#include <cstdint>

namespace ctga {

// The ID of the program in our filter; 0 if there is no such filter.
std::uint32_t tc_program(std::uint32_t interface_index);

// Puts the program into our filter; if one is there already, replaces its program without a gap.
// Returns whether it had to make the interface's clsact qdisc.
bool tc_attach(std::uint32_t interface_index, int program_fd);

// Removes our filter, and with `remove_qdisc` the qdisc too, unless others have filters there.
void tc_detach(std::uint32_t interface_index, bool remove_qdisc);

}  // namespace ctga
