// SPDX-License-Identifier: Apache-2.0
// What frames on an interface begin with.
#pragma once

#include <string>

namespace ctga {

enum class LinkLayer {
  ethernet,
  none,  // frames begin with IP: tunnels and point-to-point links
};

// By its ARPHRD type. Throws Error{bad_input} if the program cannot read what frames there begin
// with, and Error{no_such_interface}.
LinkLayer link_layer_of(const std::string& interface);

// "ethernet" or "none".
const char* to_string(LinkLayer layer);

}  // namespace ctga
