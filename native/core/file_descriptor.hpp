// SPDX-License-Identifier: Apache-2.0
// A file descriptor that its owner closes when it is destroyed.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.hpp"

namespace ctga {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  // A second descriptor of the object that `fd` refers to.
  static FileDescriptor duplicate(int fd) {
    FileDescriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw kernel_error(errno, "duplicate a file descriptor");
    return copy;
  }

 private:
  int fd_ = -1;
};

}  // namespace ctga
