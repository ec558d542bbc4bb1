// SPDX-License-Identifier: GPL-2.0-only
// The BPF file system: what is pinned there outlives the process that made it.
#pragma once

#include <string>
#include <vector>

#include "core/file_descriptor.hpp"

namespace ctga {

// Mounts the BPF file system on `mount_point` unless one is there already.
void ensure_bpffs(const std::string& mount_point);

// The pinned object, or an empty descriptor if nothing is pinned at `path`.
FileDescriptor open_pin(const std::string& path);

// Pins `fd` at `path` in the place of whatever was pinned there.
void pin(int fd, const std::string& path);

// Names of what is pinned in a directory; none if there is no such directory.
std::vector<std::string> list_pins(const std::string& directory);

// Removes a directory of pins with all in it. Returns false if it did not exist.
bool remove_pins(const std::string& directory);

}  // namespace ctga
