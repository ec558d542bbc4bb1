/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For a program that listens at every address of the machine and cannot be told another one, as simple_switch does:
 * loaded before the C library (LD_PRELOAD, ld.so(8)), this binds such a socket to loopback instead. It replaces
 * bind(2) and nothing else, and needs the C library alone, whose functions of every version it can do with.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bind_to(int fd, const void* address, socklen_t length) {
  return (int)syscall(SYS_bind, fd, address, length);
}

__attribute__((visibility("default"))) int bind(int fd, const struct sockaddr* address,
                                                socklen_t length) {
  if (length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
    struct sockaddr_in four = *(const struct sockaddr_in*)address;
    if (four.sin_addr.s_addr == htonl(INADDR_ANY)) {
      four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return bind_to(fd, &four, sizeof four);
    }
  }
  if (length >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
    struct sockaddr_in6 six = *(const struct sockaddr_in6*)address;
    if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)) {
      /* ::ffff:127.0.0.1: whoever connects to 127.0.0.1 reaches it, as with the one that it replaces. */
      six.sin6_addr = (struct in6_addr){{{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}}};
      return bind_to(fd, &six, sizeof six);
    }
  }
  return bind_to(fd, address, length);
}
