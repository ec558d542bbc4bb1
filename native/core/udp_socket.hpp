// SPDX-License-Identifier: Apache-2.0
// A UDP socket that takes and sends many datagrams in one system call. It looks into none of them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/batch_source.hpp"
#include "core/file_descriptor.hpp"

namespace ctga {

// What stands before the bytes of a datagram, in both directions: src/dns/udp.ts reads it. Addresses
// are those of IPv6, an IPv4 address being ::ffff:a.b.c.d (RFC 4291, Section 2.5.5.2).
struct DatagramHeader {
  std::uint16_t length;  // of the bytes that follow
  std::uint16_t port;    // the peer's
  std::uint32_t scope;   // the interface of a link-local peer, else 0
  std::array<std::uint8_t, 16> peer;
  std::array<std::uint8_t, 16> own;  // to which it came, if the socket is bound to all addresses
};
static_assert(sizeof(DatagramHeader) == 40);

class UdpSocket final : public BatchSource {
 public:
  // Binds to an IPv4 or IPv6 address as text; :: takes IPv4 as well. Port 0: any that is free.
  // Throws Error with the errno of what was refused.
  UdpSocket(const std::string& address, std::uint16_t port);

  std::uint16_t port() const { return port_; }
  int poll_fd() const override { return fd_.get(); }

  // Each datagram takes kSlot bytes of the batch, whatever its length. What is longer than the slot
  // is cut.
  std::size_t read(std::uint8_t* batch, std::size_t capacity) override;

  // Sends the datagrams of `batch`: each a header, as it came with a datagram of this peer's, and its
  // bytes, padded to 8. UDP may lose what it is given, so one that the kernel refuses is left out. A
  // length that goes beyond `size` ends the batch.
  void send(const std::uint8_t* batch, std::size_t size);

  // Frees the port at once. Whoever polls must have ended that; nothing is read or sent from then on.
  void close() { fd_ = FileDescriptor(); }

  static constexpr std::size_t kLongest = 4096;
  static constexpr std::size_t kSlot = sizeof(DatagramHeader) + kLongest;

 private:
  static constexpr std::size_t kAtOnce = 64;

  // The arguments of one system call for up to kAtOnce datagrams.
  struct Messages {
    std::array<mmsghdr, kAtOnce> headers{};
    std::array<iovec, kAtOnce> parts{};
    std::array<sockaddr_storage, kAtOnce> peers{};
    alignas(
        cmsghdr) std::array<std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))>, kAtOnce> control{};

    mmsghdr& prepare(std::size_t i, std::uint8_t* bytes, std::size_t length);
  };

  void address_to(Messages& messages, std::size_t i, const DatagramHeader& header) const;
  DatagramHeader header_of(const mmsghdr& message) const;

  FileDescriptor fd_;
  sa_family_t family_;
  bool any_address_;
  std::uint16_t port_ = 0;
  Messages incoming_;
  Messages outgoing_;
};

}  // namespace ctga
