// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of a network interface of this network namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ctga {

struct Device {
  std::uint32_t mtu;   // in bytes
  std::string kind;    // of a software device, such as "veth" (IFLA_INFO_KIND); else empty
  std::string driver;  // by ETHTOOL_GDRVINFO; empty if there is none, as of lo
};

// Nothing if no interface has that name.
std::optional<Device> find_device(const std::string& interface);

}  // namespace ctga
