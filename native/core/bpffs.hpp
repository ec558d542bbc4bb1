// SPDX-License-Identifier: Apache-2.0
// The BPF file system. An object that is pinned there outlives the process that made it. Each
// function throws Error{kernel, not_permitted}.
#pragma once

#include <string>
#include <vector>

#include "core/file_descriptor.hpp"

namespace ctga {

// Mounts the BPF file system on `mount_point` unless one is there already.
void ensure_bpffs(const std::string& mount_point);

// A descriptor of the pinned object; empty if nothing is pinned at `path`.
FileDescriptor open_pin(const std::string& path);

// Whether a descriptor of open_pin is that of a map. The kernel answers the question for a map's
// layout for programs and links too, with what is theirs.
bool is_map(int fd);

// Pins the object of `fd` at `path`, in place of whatever was pinned there.
void pin(int fd, const std::string& path);

// The names of what is pinned in a directory; none if there is no such directory.
std::vector<std::string> list_pins(const std::string& directory);

// Removes a directory and every pin in it. Returns false if there was no such directory.
bool remove_pins(const std::string& directory);

}  // namespace ctga
