// SPDX-License-Identifier: GPL-2.0-only
#include "core/attachment.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/bpffs.hpp"
#include "core/libbpf_log.hpp"
#include "core/program.hpp"

namespace ctga {
namespace {

constexpr const char* kMountPoint = "/sys/fs/bpf";

std::string link_path(const std::string& pin_directory) { return pin_directory + "/link"; }

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// What runs on an interface, ours or not. A program_id of 0 is none.
struct Running {
  std::uint32_t program_id;
  Mode mode;
};

Running query(std::uint32_t interface_index) {
  bpf_xdp_query_opts options{};
  options.sz = sizeof(options);
  if (const int error = bpf_xdp_query(static_cast<int>(interface_index), 0, &options)) {
    throw kernel_error(error, "ask which XDP program runs");
  }
  if (options.drv_prog_id != 0) return {options.drv_prog_id, Mode::native};
  if (options.skb_prog_id != 0) return {options.skb_prog_id, Mode::generic};
  return {options.hw_prog_id, Mode::unknown};
}

bpf_link_info info_of_link(int fd) {
  bpf_link_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) throw kernel_error(error, "inspect a BPF link");
  return info;
}

// "program "name" (id 42)", without the name where we may not ask for it.
std::string describe_program(std::uint32_t id) {
  std::string name;
  if (const FileDescriptor fd{bpf_prog_get_fd_by_id(id)}; fd) {
    bpf_prog_info info{};
    std::uint32_t length = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &length) == 0) name = info.name;
  }
  return "the XDP program " + (name.empty() ? "" : "\"" + name + "\" ") + "(id " + std::to_string(id) + ")";
}

Error foreign_program(const std::string& interface, std::uint32_t program_id) {
  return Error(ErrorCode::foreign_xdp_program, EBUSY, interface + " already runs " + describe_program(program_id));
}

FileDescriptor create_link(int program_fd, std::uint32_t interface_index, Mode mode, int& error) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = mode == Mode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const int fd = bpf_link_create(program_fd, static_cast<int>(interface_index), BPF_XDP, &options);
  error = fd < 0 ? -fd : 0;
  return FileDescriptor(fd);
}

// These say the same of either mode, so generic need not be tried after them.
bool is_final(int error) {
  return error == EBUSY || error == EEXIST || error == EPERM || error == EACCES || error == ENODEV;
}

struct NewLink {
  FileDescriptor fd;
  Mode mode;
  std::string native_refusal;
};

NewLink make_link(const AttachOptions& options, int program_fd, std::uint32_t interface_index) {
  const LibbpfLog log;
  NewLink link{FileDescriptor(), options.mode.value_or(Mode::native), ""};
  int error = 0;
  link.fd = create_link(program_fd, interface_index, link.mode, error);
  if (!link.fd && !options.mode && !is_final(error)) {
    link.native_refusal = std::strerror(error);
    link.mode = Mode::generic;
    link.fd = create_link(program_fd, interface_index, link.mode, error);
  }
  if (link.fd) return link;
  if (error == EBUSY || error == EEXIST) {
    // Somebody was faster than our own look at the interface.
    throw foreign_program(options.interface, query(interface_index).program_id);
  }
  throw kernel_error(error, "attach to " + options.interface + " in " + to_string(link.mode) + " mode", log.text());
}

// The pinned link if it still holds our program on this very interface; empty if there is none or it is
// defunct. Throws if the interface, or the link, is somebody else's.
FileDescriptor find_running_link(const AttachOptions& options, std::uint32_t interface_index, const Running& running) {
  FileDescriptor link = open_pin(link_path(options.pin_directory));
  const bpf_link_info info = link ? info_of_link(link.get()) : bpf_link_info{};

  if (info.xdp.ifindex == 0) {  // none, or defunct: its interface is gone, or it was detached by force
    if (running.program_id != 0) throw foreign_program(options.interface, running.program_id);
    return FileDescriptor();
  }
  if (info.xdp.ifindex == interface_index && info.prog_id == running.program_id) return link;
  throw Error(ErrorCode::busy, EBUSY,
              options.pin_directory + " belongs to another interface that is or was named " + options.interface);
}

// Leaves no empty directory behind where attaching failed. Only for whoever holds its lock.
class DirectoryGuard {
 public:
  explicit DirectoryGuard(const std::string& path) : path_(path) {}
  ~DirectoryGuard() { rmdir(path_.c_str()); }  // refused as soon as something is pinned
  DirectoryGuard(const DirectoryGuard&) = delete;
  DirectoryGuard& operator=(const DirectoryGuard&) = delete;

 private:
  const std::string& path_;
};

}  // namespace

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::native: return "native";
    case Mode::generic: return "generic";
    case Mode::unknown: return "unknown";
  }
  return "unknown";
}

Attachment attach(const AttachOptions& options) {
  const std::uint32_t interface_index = if_nametoindex(options.interface.c_str());
  if (interface_index == 0) throw Error(ErrorCode::no_such_interface, errno, "find " + options.interface);

  ensure_bpffs(kMountPoint);
  const std::string parent = parent_of(options.pin_directory);
  if (mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST) throw kernel_error(errno, "make " + parent);
  FileLock lock(options.pin_directory);
  const DirectoryGuard guard(options.pin_directory);

  const Running running = query(interface_index);
  FileDescriptor link = find_running_link(options, interface_index, running);

  // Up to here and while loading, what runs goes on as it was.
  const Program program(options.object_path, options.ring_bytes, options.pin_directory);
  Maps maps = program.maps();
  maps.write_settings(options.initial_settings);
  maps.write_ports(options.ports);

  // Another mode takes another link, and so a gap: only if it was asked for.
  if (link && options.mode && *options.mode != running.mode) {
    if (const int error = bpf_link_detach(link.get())) throw kernel_error(error, "detach from " + options.interface);
    link = FileDescriptor();
  }

  Mode mode = running.mode;
  std::string native_refusal;
  const bool took_over = static_cast<bool>(link);
  if (took_over) {
    if (const int error = bpf_link_update(link.get(), program.fd(), nullptr)) {
      throw kernel_error(error, "update the XDP program of " + options.interface);
    }
  } else {
    NewLink made = make_link(options, program.fd(), interface_index);
    pin(made.fd.get(), link_path(options.pin_directory));
    mode = made.mode;
    native_refusal = std::move(made.native_refusal);
  }
  // After the link: a crash in between leaves it with maps that no pin names, and attaching again repairs that.
  program.pin_maps(options.pin_directory);

  // The link's descriptor is closed on return. The pin alone holds it, so that removing the pin detaches.
  return Attachment{std::move(maps), std::move(lock), mode,     interface_index, std::move(native_refusal),
                    took_over,       program.replaced_maps()};
}

std::optional<LinkState> link_state(const std::string& pin_directory) {
  const FileDescriptor link = open_pin(link_path(pin_directory));
  if (!link) return std::nullopt;
  const bpf_link_info info = info_of_link(link.get());
  LinkState state{info.xdp.ifindex != 0, Mode::unknown, info.xdp.ifindex, info.prog_id};
  if (state.attached) {
    try {
      const Running running = query(state.interface_index);
      if (running.program_id == state.program_id) state.mode = running.mode;
    } catch (const Error&) {
      // The index means nothing here: the interface lives in another network namespace.
    }
  }
  return state;
}

void detach(const std::string& pin_directory) {
  // Detached first and explicitly: another process may hold the link open.
  if (const FileDescriptor link = open_pin(link_path(pin_directory)); link) bpf_link_detach(link.get());
  if (!remove_pins(pin_directory)) throw Error(ErrorCode::not_attached, ENOENT, "find " + pin_directory);
}

}  // namespace ctga
