// SPDX-License-Identifier: Apache-2.0
#include "core/udp_socket.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace ctga {
namespace {

using Address = std::array<std::uint8_t, 16>;

constexpr Address kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kMappedPrefix = 12;

Address mapped(const in_addr& address) {
  Address result = kMapped;
  std::memcpy(result.data() + kMappedPrefix, &address, sizeof(address));
  return result;
}

Address plain(const in6_addr& address) {
  Address result;
  std::memcpy(result.data(), &address, sizeof(address));
  return result;
}

in_addr unmapped(const Address& address) {
  in_addr result{};
  std::memcpy(&result, address.data() + kMappedPrefix, sizeof(result));
  return result;
}

void set(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
    throw kernel_error(errno, "set an option of a UDP socket");
  }
}

constexpr std::size_t padded_length(std::size_t length) { return (length + 7) & ~std::size_t{7}; }

}  // namespace

UdpSocket::UdpSocket(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    family_ = AF_INET;
    v4->sin_port = htons(port);
    any_address_ = v4->sin_addr.s_addr == INADDR_ANY;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    family_ = AF_INET6;
    v6->sin6_port = htons(port);
    any_address_ = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
  } else {
    throw kernel_error(EINVAL, "bind to " + address);
  }
  storage.ss_family = family_;
  fd_ = FileDescriptor(socket(family_, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd_) throw kernel_error(errno, "make a UDP socket");
  if (family_ == AF_INET6) set(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (any_address_) {
    // So that an answer comes from the address that was asked.
    if (family_ == AF_INET) {
      set(fd_.get(), IPPROTO_IP, IP_PKTINFO, 1);
    } else {
      set(fd_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
  }
  socklen_t length = family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (bind(fd_.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    throw kernel_error(errno, "bind to " + address);
  }
  length = sizeof(storage);
  if (getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    throw kernel_error(errno, "ask for the port of a socket");
  }
  port_ = ntohs(family_ == AF_INET ? v4->sin_port : v6->sin6_port);
}

mmsghdr& UdpSocket::Messages::prepare(std::size_t i, std::uint8_t* bytes, std::size_t length) {
  parts[i] = {bytes, length};
  headers[i] = {};
  msghdr& header = headers[i].msg_hdr;
  header.msg_name = &peers[i];
  header.msg_namelen = sizeof(peers[i]);
  header.msg_iov = &parts[i];
  header.msg_iovlen = 1;
  return headers[i];
}

std::size_t UdpSocket::read(std::uint8_t* batch, std::size_t capacity) {
  const std::size_t room = std::min(kAtOnce, capacity / kSlot);
  for (std::size_t i = 0; i < room; i++) {
    std::uint8_t* bytes = batch + i * kSlot + sizeof(DatagramHeader);
    msghdr& message = incoming_.prepare(i, bytes, kLongest).msg_hdr;
    if (any_address_) {
      message.msg_control = incoming_.control[i].data();
      message.msg_controllen = incoming_.control[i].size();
    }
  }
  const int received = recvmmsg(fd_.get(), incoming_.headers.data(),
                                static_cast<unsigned int>(room), MSG_DONTWAIT, nullptr);
  if (received < 0) {
    // Errors of a UDP socket concern a datagram that was sent, which may be lost anyway.
    return 0;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(received); i++) {
    const DatagramHeader header = header_of(incoming_.headers[i]);
    std::memcpy(batch + i * kSlot, &header, sizeof(header));
  }
  return static_cast<std::size_t>(received) * kSlot;
}

DatagramHeader UdpSocket::header_of(const mmsghdr& message) const {
  DatagramHeader header{};
  header.length = static_cast<std::uint16_t>(message.msg_len);
  const auto* name = static_cast<const sockaddr*>(message.msg_hdr.msg_name);
  if (family_ == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(name);
    header.port = ntohs(v4->sin_port);
    header.peer = mapped(v4->sin_addr);
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(name);
    header.port = ntohs(v6->sin6_port);
    header.peer = plain(v6->sin6_addr);
    header.scope = v6->sin6_scope_id;
  }
  msghdr control = message.msg_hdr;
  for (cmsghdr* each = CMSG_FIRSTHDR(&control); each != nullptr;
       each = CMSG_NXTHDR(&control, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof(info));
      header.own = mapped(info.ipi_spec_dst);
    } else if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof(info));
      header.own = plain(info.ipi6_addr);
    }
  }
  return header;
}

void UdpSocket::send(const std::uint8_t* batch, std::size_t size) {
  std::size_t at = 0;
  while (size - at >= sizeof(DatagramHeader)) {
    std::size_t count = 0;
    for (; count < kAtOnce && size - at >= sizeof(DatagramHeader); count++) {
      DatagramHeader header;
      std::memcpy(&header, batch + at, sizeof(header));
      if (header.length > size - at - sizeof(header)) {
        size = at;
        break;
      }
      // sendmmsg(2) does not write to what it is given.
      auto* bytes = const_cast<std::uint8_t*>(batch) + at + sizeof(header);
      outgoing_.prepare(count, bytes, header.length);
      address_to(outgoing_, count, header);
      at += std::min(padded_length(sizeof(header) + header.length), size - at);
    }
    for (std::size_t sent = 0; sent < count;) {
      const int result = sendmmsg(fd_.get(), &outgoing_.headers[sent],
                                  static_cast<unsigned int>(count - sent), MSG_DONTWAIT);
      if (result < 0 && (errno == EAGAIN || errno == ENOBUFS)) return;
      if (result < 0 && errno == EINTR) continue;
      // What the first of them met concerns that one alone.
      sent += static_cast<std::size_t>(std::max(result, 1));
    }
  }
}

void UdpSocket::address_to(Messages& messages, std::size_t i, const DatagramHeader& header) const {
  msghdr& message = messages.headers[i].msg_hdr;
  if (family_ == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(header.port);
    v4.sin_addr = unmapped(header.peer);
    std::memcpy(message.msg_name, &v4, sizeof(v4));
    message.msg_namelen = sizeof(v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(header.port);
    std::memcpy(&v6.sin6_addr, header.peer.data(), header.peer.size());
    v6.sin6_scope_id = header.scope;
    std::memcpy(message.msg_name, &v6, sizeof(v6));
    message.msg_namelen = sizeof(v6);
  }
  if (!any_address_) return;
  auto& control = messages.control[i];
  control = {};
  message.msg_control = control.data();
  auto* first = reinterpret_cast<cmsghdr*>(control.data());
  if (family_ == AF_INET) {
    in_pktinfo info{};
    info.ipi_spec_dst = unmapped(header.own);
    *first = {CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
    std::memcpy(CMSG_DATA(first), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, header.own.data(), header.own.size());
    info.ipi6_ifindex = header.scope;
    *first = {CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
    std::memcpy(CMSG_DATA(first), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
  }
}

}  // namespace ctga
