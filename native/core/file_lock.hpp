// SPDX-License-Identifier: Apache-2.0
// An exclusive flock(2) on a directory, so that one process at a time reads one ring buffer.
#pragma once

#include <string>

#include "core/file_descriptor.hpp"

namespace ctga {

// Held until destroyed or until the process ends, however it ends.
class FileLock {
 public:
  // Makes the directory if need be. Throws Error{busy} at once if another process holds the lock.
  explicit FileLock(const std::string& directory);

 private:
  FileDescriptor fd_;
};

}  // namespace ctga
