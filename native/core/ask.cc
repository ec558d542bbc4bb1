// SPDX-License-Identifier: Apache-2.0
#include "core/ask.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/error.hpp"
#include "core/file_descriptor.hpp"

namespace ctga {
namespace {

using Clock = std::chrono::steady_clock;

// Waits until `events` can be had, but not beyond the deadline.
void wait_for(int fd, short events, Clock::time_point deadline, const std::string& doing) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd polled{fd, events, 0};
    const int ready = left <= 0 ? 0 : poll(&polled, 1, static_cast<int>(left));
    if (ready > 0) return;
    if (ready == 0) throw kernel_error(ETIMEDOUT, doing);
    if (errno != EINTR) throw kernel_error(errno, doing);
  }
}

bool is_for_later() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Answer ask(const std::string& path, const std::vector<std::uint8_t>& request, int timeout_ms,
           std::size_t limit) {
  const std::string doing = "ask at " + path;
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw kernel_error(ENAMETOOLONG, doing);
  std::memcpy(address.sun_path, path.data(), path.size());
  const FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw kernel_error(errno, doing);
  // A local connection is made at once, or refused.
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw kernel_error(errno, doing);
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    throw kernel_error(errno, doing);

  // It may answer before it has read all, and close.
  for (std::size_t sent = 0; sent < request.size();) {
    const ssize_t count =
        send(fd.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (is_for_later()) {
      wait_for(fd.get(), POLLOUT, deadline, doing);
    } else if (errno == EPIPE) {
      break;
    } else {
      throw kernel_error(errno, doing);
    }
  }
  shutdown(fd.get(), SHUT_WR);

  Answer answer{{}, peer.uid};
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t count = recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (count == 0) return answer;
    if (count > 0) {
      if (answer.text.size() + static_cast<std::size_t>(count) > limit)
        throw kernel_error(EMSGSIZE, doing);
      answer.text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (is_for_later()) {
      wait_for(fd.get(), POLLIN, deadline, doing);
    } else {
      throw kernel_error(errno, doing);
    }
  }
}

}  // namespace ctga
