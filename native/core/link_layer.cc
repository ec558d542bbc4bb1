// SPDX-License-Identifier: Apache-2.0
#include "core/link_layer.hpp"

#include <linux/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/file_descriptor.hpp"

namespace ctga {
namespace {

// Of types that people have, and that the program cannot read.
const char* describe(unsigned type) {
  switch (type) {
    case ARPHRD_AX25: return " (AX.25)";
    case ARPHRD_INFINIBAND: return " (InfiniBand)";
    case ARPHRD_IEEE1394: return " (IEEE 1394)";
    case ARPHRD_CAN: return " (CAN)";
    case ARPHRD_HDLC: return " (HDLC)";
    case ARPHRD_IEEE80211:
    case ARPHRD_IEEE80211_PRISM:
    case ARPHRD_IEEE80211_RADIOTAP: return " (IEEE 802.11)";
    case ARPHRD_IEEE802154:
    case ARPHRD_IEEE802154_MONITOR: return " (IEEE 802.15.4)";
    case ARPHRD_6LOWPAN: return " (6LoWPAN)";
    case ARPHRD_NETLINK: return " (netlink)";
    case ARPHRD_VSOCKMON: return " (vsock)";
    default: return "";
  }
}

}  // namespace

LinkLayer link_layer_of(const std::string& interface) {
  // Any socket will do, and a service may be allowed no other family than this one.
  const FileDescriptor any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (!any || ioctl(any.get(), SIOCGIFHWADDR, &request) != 0) {
    throw Error(ErrorCode::no_such_interface, errno, "find " + interface);
  }
  const unsigned type = request.ifr_hwaddr.sa_family;
  switch (type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK: return LinkLayer::ethernet;
    case ARPHRD_NONE:  // tun, WireGuard
    case ARPHRD_PPP:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
    case ARPHRD_SLIP:
    case ARPHRD_CSLIP:
    case ARPHRD_SLIP6:
    case ARPHRD_CSLIP6: return LinkLayer::none;
    default:
      throw Error(ErrorCode::bad_input, EOPNOTSUPP,
                  interface + " has a link layer that ctga cannot read: type " +
                      std::to_string(type) + describe(type));
  }
}

const char* to_string(LinkLayer layer) {
  return layer == LinkLayer::ethernet ? "ethernet" : "none";
}

}  // namespace ctga
