// SPDX-License-Identifier: Apache-2.0
#include "core/device.hpp"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "core/file_descriptor.hpp"

namespace ctga {
namespace {

// Fills `request` in; false if there is no such interface, or the kernel knows no answer.
bool ask(unsigned long what, const std::string& interface, ifreq& request) {
  // Any socket will do, and a service may be allowed no other family than this one.
  const FileDescriptor any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any || interface.size() >= sizeof(request.ifr_name)) return false;
  interface.copy(request.ifr_name, interface.size());
  return ioctl(any.get(), what, &request) == 0;
}

const rtattr* find_attribute(const rtattr* first, unsigned length, unsigned short type) {
  auto left = static_cast<int>(length);
  for (const rtattr* each = first; RTA_OK(each, left); each = RTA_NEXT(each, left)) {
    if ((each->rta_type & NLA_TYPE_MASK) == type) return each;
  }
  return nullptr;
}

std::string kind_of(std::uint32_t interface_index) {
  const FileDescriptor socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct {
    nlmsghdr header;
    ifinfomsg message;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.message.ifi_index = static_cast<int>(interface_index);
  alignas(nlmsghdr) std::array<char, 16384> answer{};
  if (!socket_fd || send(socket_fd.get(), &request, sizeof(request), 0) < 0) return "";
  const ssize_t received = recv(socket_fd.get(), answer.data(), answer.size(), 0);
  const auto* link = reinterpret_cast<nlmsghdr*>(answer.data());
  if (received <= 0 || !NLMSG_OK(link, static_cast<unsigned>(received)) ||
      link->nlmsg_type != RTM_NEWLINK) {
    return "";
  }
  const auto* message = static_cast<const ifinfomsg*>(NLMSG_DATA(link));
  const rtattr* info = find_attribute(IFLA_RTA(message), IFLA_PAYLOAD(link), IFLA_LINKINFO);
  if (info == nullptr) return "";
  const rtattr* kind =
      find_attribute(static_cast<const rtattr*>(RTA_DATA(info)), RTA_PAYLOAD(info), IFLA_INFO_KIND);
  if (kind == nullptr) return "";
  const auto* text = static_cast<const char*>(RTA_DATA(kind));
  return std::string(text, strnlen(text, RTA_PAYLOAD(kind)));
}

std::string driver_of(const std::string& interface) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&info);
  return ask(SIOCETHTOOL, interface, request)
             ? std::string(info.driver, strnlen(info.driver, sizeof(info.driver)))
             : "";
}

}  // namespace

std::optional<Device> find_device(const std::string& interface) {
  ifreq request{};
  if (!ask(SIOCGIFMTU, interface, request)) return std::nullopt;
  return Device{static_cast<std::uint32_t>(request.ifr_mtu),
                kind_of(if_nametoindex(interface.c_str())), driver_of(interface)};
}

}  // namespace ctga
