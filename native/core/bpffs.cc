// SPDX-License-Identifier: Apache-2.0
#include "core/bpffs.hpp"

#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace ctga {

void ensure_bpffs(const std::string& mount_point) {
  struct statfs info = {};
  if (statfs(mount_point.c_str(), &info) != 0) throw kernel_error(errno, "look at " + mount_point);
  if (info.f_type == BPF_FS_MAGIC) return;
  if (mount("bpf", mount_point.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") !=
      0) {
    throw kernel_error(errno, "mount the BPF file system on " + mount_point);
  }
}

FileDescriptor open_pin(const std::string& path) {
  const int fd = bpf_obj_get(path.c_str());
  if (fd < 0 && fd != -ENOENT) throw kernel_error(fd, "open " + path);
  return FileDescriptor(fd);
}

bool is_map(int fd) {
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 64> kind{};
  if (readlink(self.c_str(), kind.data(), kind.size() - 1) < 0) {
    throw kernel_error(errno, "look at " + self);
  }
  return std::strstr(kind.data(), "bpf-map") != nullptr;
}

void pin(int fd, const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) throw kernel_error(errno, "remove " + path);
  if (const int error = bpf_obj_pin(fd, path.c_str())) throw kernel_error(error, "pin " + path);
}

std::vector<std::string> list_pins(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(directory.c_str()), closedir);
  if (!entries && errno != ENOENT) throw kernel_error(errno, "open " + directory);
  std::vector<std::string> names;
  while (const dirent* entry = entries ? readdir(entries.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

bool remove_pins(const std::string& directory) {
  for (const std::string& name : list_pins(directory)) {
    const std::string path = directory + "/" + name;
    if (unlink(path.c_str()) != 0 && errno != ENOENT) throw kernel_error(errno, "remove " + path);
  }
  if (rmdir(directory.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  throw kernel_error(errno, "remove " + directory);
}

}  // namespace ctga
