// SPDX-License-Identifier: Apache-2.0
#include "core/pins.hpp"

#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <optional>

#include "core/bpffs.hpp"
#include "core/file_descriptor.hpp"

namespace ctga {
namespace {

constexpr const char* kMountPoint = "/sys/fs/bpf";
constexpr const char* kRoot = "/sys/fs/bpf/ctga";
// Longer than the name of any interface, by which an earlier version named its directories.
constexpr const char* kFormat = "netns-%" PRIu64 "-%" PRIu32;

std::uint64_t this_network_namespace() {
  struct stat info = {};
  if (stat("/proc/self/ns/net", &info) != 0) throw kernel_error(errno, "look at /proc/self/ns/net");
  return info.st_ino;
}

// What the kernel gives to one network namespace alone; empty if it does not tell.
std::string cookie_of_this_namespace() {
  const FileDescriptor any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  std::uint64_t cookie = 0;
  socklen_t length = sizeof(cookie);
  if (!any || getsockopt(any.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) != 0) return "";
  return std::to_string(cookie);
}

std::optional<std::string> name_of_index(std::uint32_t interface_index) {
  std::array<char, IF_NAMESIZE> name{};
  if (if_indextoname(interface_index, name.data()) == nullptr) return std::nullopt;
  return name.data();
}

}  // namespace

std::string read_note(const std::string& path, const char* note) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = readlink((path + "/" + note).c_str(), text.data(), text.size());
  return length < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(length));
}

void write_note(const std::string& path, const char* note, const std::string& text) {
  const std::string file = path + "/" + note;
  if (read_note(path, note) == text || text.empty()) return;
  unlink(file.c_str());
  if (symlink(text.c_str(), file.c_str()) != 0 && errno != EEXIST) {
    throw kernel_error(errno, "write " + file);
  }
}

void ensure_pins_root() {
  ensure_bpffs(kMountPoint);
  if (mkdir(kRoot, 0700) == 0) return;
  if (errno != EEXIST) throw kernel_error(errno, std::string("make ") + kRoot);
  struct stat info = {};
  if (lstat(kRoot, &info) != 0) throw kernel_error(errno, std::string("look at ") + kRoot);
  // Where everybody may make directories, somebody may have made this one before us.
  if (!S_ISDIR(info.st_mode) || (info.st_uid != 0 && info.st_uid != geteuid())) {
    throw Error(ErrorCode::kernel, EPERM,
                std::string("use ") + kRoot + ", which belongs to the account " +
                    std::to_string(info.st_uid));
  }
  const bool may_change = geteuid() == 0 || info.st_uid == geteuid();
  if ((info.st_mode & 077) != 0 && may_change && chmod(kRoot, 0700) != 0) {
    throw kernel_error(errno, std::string("close ") + kRoot + " to others");
  }
}

std::string pins_of(std::uint32_t interface_index) {
  std::array<char, 64> name{};
  std::snprintf(name.data(), name.size(), kFormat, this_network_namespace(), interface_index);
  return std::string(kRoot) + "/" + name.data();
}

PinDirectory read_pin_directory(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  PinDirectory pins{path, 0, 0, "", "", false};
  int end = 0;
  if (std::sscanf(name.c_str(), (std::string(kFormat) + "%n").c_str(), &pins.network_namespace,
                  &pins.interface_index, &end) != 2 ||
      static_cast<std::size_t>(end) != name.size()) {
    // Of an earlier version. The BPF file system holds no '.' in names, and no interface a ':'.
    std::string interface = name;
    std::replace(interface.begin(), interface.end(), ':', '.');
    return {path, 0, 0, interface, interface, false};
  }
  const std::string cookie = read_note(path, kNamespaceNote);
  pins.is_here = pins.network_namespace == this_network_namespace() &&
                 (cookie.empty() || cookie == cookie_of_this_namespace());
  pins.noted_name = read_note(path, kInterfaceNote);
  pins.interface = pins.noted_name;
  if (pins.is_here) pins.interface = name_of_index(pins.interface_index).value_or(pins.noted_name);
  return pins;
}

std::vector<PinDirectory> list_pin_directories() {
  std::vector<PinDirectory> all;
  for (const std::string& name : list_pins(kRoot)) {
    all.push_back(read_pin_directory(std::string(kRoot) + "/" + name));
  }
  return all;
}

void write_notes(const std::string& path, const std::string& interface, LinkLayer link) {
  write_note(path, kInterfaceNote, interface);
  write_note(path, kNamespaceNote, cookie_of_this_namespace());
  write_note(path, kLinkNote, to_string(link));
}

bool has_noted_link(const std::string& path, const std::string& interface) {
  const std::string noted = read_note(path, kLinkNote);
  try {
    return noted.empty() || noted == to_string(link_layer_of(interface));
  } catch (const Error&) {
    return false;  // the program cannot read it at all, or the interface is gone
  }
}

std::string follow_name(const std::string& path) {
  const PinDirectory pins = read_pin_directory(path);
  if (pins.is_here) write_note(path, kInterfaceNote, pins.interface);
  return pins.interface;
}

}  // namespace ctga
