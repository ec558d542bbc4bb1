// SPDX-License-Identifier: Apache-2.0
#include "core/file_lock.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

namespace ctga {
namespace {

// Somebody may have removed the directory and made another one between open and flock.
bool is_still_at(int fd, const std::string& path) {
  struct stat held = {};
  struct stat there = {};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

}  // namespace

FileLock::FileLock(const std::string& directory) {
  for (;;) {
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      throw kernel_error(errno, "make " + directory);
    }
    FileDescriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) {
      if (errno == ENOENT) continue;
      throw kernel_error(errno, "open " + directory);
    }
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) throw kernel_error(errno, "lock " + directory);
      throw Error(ErrorCode::busy, errno, "another process already reads " + directory);
    }
    if (is_still_at(fd.get(), directory)) {
      fd_ = std::move(fd);
      return;
    }
  }
}

}  // namespace ctga
