// SPDX-License-Identifier: Apache-2.0
#include "core/dispatcher.hpp"

#include <bpf/bpf.h>
#include <dlfcn.h>
#include <linux/if_link.h>

#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "core/error.hpp"
#include "core/file_descriptor.hpp"
#include "core/libbpf_log.hpp"

namespace ctga {
namespace {

// What is used of <xdp/libxdp.h>, which need not be there to build with. It is of version 1.3.
struct xdp_program;
struct xdp_program_opts {
  std::size_t sz;
  bpf_object* obj;
  void* opts;
  const char* prog_name;
  const char* find_filename;
  const char* open_filename;
  const char* pin_path;
  __u32 id;
  int fd;
};
enum AttachMode { XDP_MODE_UNSPEC, XDP_MODE_NATIVE, XDP_MODE_SKB };
using PrintFunction = int(int level, const char* format, va_list arguments);

struct Libxdp {
  PrintFunction* (*set_print)(PrintFunction* print);
  long (*get_error)(const void* pointer);
  xdp_program* (*create)(xdp_program_opts* options);
  xdp_program* (*from_fd)(int fd);
  void (*close)(xdp_program* program);
  int (*set_run_prio)(xdp_program* program, unsigned int priority);
  int (*attach)(xdp_program* program, int ifindex, AttachMode mode, unsigned int flags);
  int (*detach)(xdp_program* program, int ifindex, AttachMode mode, unsigned int flags);
};

// Null if it is not on this machine, or too old.
const Libxdp* libxdp() {
  static Libxdp functions{};
  static const bool is_there = [] {
    void* library = dlopen("libxdp.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return false;
    bool has_all = true;
    const auto find = [&](const char* name, auto& function) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      has_all = has_all && function != nullptr;
    };
    find("libxdp_set_print", functions.set_print);
    find("libxdp_get_error", functions.get_error);
    find("xdp_program__create", functions.create);
    find("xdp_program__from_fd", functions.from_fd);
    find("xdp_program__close", functions.close);
    find("xdp_program__set_run_prio", functions.set_run_prio);
    find("xdp_program__attach", functions.attach);
    find("xdp_program__detach", functions.detach);
    // Its levels are libbpf's.
    if (has_all) functions.set_print(keep_log_line);
    return has_all;
  }();
  return is_there ? &functions : nullptr;
}

// What libxdp makes of a program of ours, for as long as the object lives.
class LibxdpProgram {
 public:
  LibxdpProgram(const Libxdp& library, xdp_program* program)
      : library_(library),
        error_(static_cast<int>(library.get_error(program))),
        program_(program) {}
  ~LibxdpProgram() {
    if (error_ == 0) library_.close(program_);
  }
  LibxdpProgram(const LibxdpProgram&) = delete;
  LibxdpProgram& operator=(const LibxdpProgram&) = delete;

  int error() const { return error_; }
  xdp_program* get() const { return program_; }

 private:
  const Libxdp& library_;
  int error_;
  xdp_program* program_;
};

std::uint32_t id_of(int program_fd) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(program_fd, &info, &length)) {
    throw kernel_error(error, "inspect a BPF program");
  }
  return info.id;
}

std::uint32_t running_program(std::uint32_t interface_index, std::uint32_t flags) {
  std::uint32_t id = 0;
  if (const int error =
          bpf_xdp_query_id(static_cast<int>(interface_index), static_cast<int>(flags), &id)) {
    throw kernel_error(error, "ask which XDP program runs");
  }
  return id;
}

}  // namespace

std::vector<std::uint32_t> dispatched_programs(std::uint32_t interface_index,
                                               std::uint32_t dispatcher_id) {
  std::vector<std::uint32_t> ids;
  const std::string directory = "/sys/fs/bpf/xdp/dispatch-" + std::to_string(interface_index) +
                                "-" + std::to_string(dispatcher_id);
  while (true) {
    const FileDescriptor program{
        bpf_obj_get((directory + "/prog" + std::to_string(ids.size()) + "-prog").c_str())};
    if (!program) return ids;
    ids.push_back(id_of(program.get()));
  }
}

Joined join_dispatcher(bpf_object* object, const char* program, std::uint32_t interface_index,
                       bool native, std::string& refusal) {
  const Libxdp* library = libxdp();
  if (library == nullptr) {
    refusal = "libxdp.so.1 (1.3 or later) is not on this machine";
    return Joined::no;
  }
  // libxdp would only say that it is busy. It asks for programs by their IDs, as this does.
  if (std::uint32_t id = 0; bpf_prog_get_next_id(0, &id) == -EPERM) {
    refusal = "libxdp needs CAP_SYS_ADMIN";
    return Joined::no;
  }
  xdp_program_opts options{};
  options.sz = sizeof(options);
  options.obj = object;
  options.prog_name = program;
  const LibxdpProgram ours(*library, library->create(&options));
  int error = ours.error();
  if (error == 0) error = library->set_run_prio(ours.get(), kRunPriority);
  if (error == 0) {
    error = library->attach(ours.get(), static_cast<int>(interface_index),
                            native ? XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
  }
  if (error != 0) {
    refusal = std::string("libxdp: ") + std::strerror(-error);
    return Joined::no;
  }
  // Where freplace is missing, libxdp attaches a program alone, so that no other can join it. A link
  // of ours does that better.
  const std::uint32_t flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const int fd = bpf_program__fd(bpf_object__find_program_by_name(object, program));
  if (running_program(interface_index, flags) != id_of(fd)) return Joined::yes;
  bpf_xdp_attach_opts detach_options{};
  detach_options.sz = sizeof(detach_options);
  detach_options.old_prog_fd = fd;
  if (const int failed =
          bpf_xdp_detach(static_cast<int>(interface_index), flags, &detach_options)) {
    throw kernel_error(failed, "take off what libxdp attached");
  }
  refusal = "libxdp made no dispatcher, as on a kernel without freplace";
  return Joined::alone;
}

void leave_dispatcher(int program_fd, std::uint32_t interface_index) {
  const Libxdp* library = libxdp();
  if (library == nullptr) {
    throw Error(ErrorCode::kernel, ENOENT, "leave libxdp's dispatcher: find libxdp.so.1");
  }
  const LibbpfLog log;
  const LibxdpProgram ours(*library, library->from_fd(program_fd));
  int error = ours.error();
  if (error == 0) {
    error = library->detach(ours.get(), static_cast<int>(interface_index), XDP_MODE_UNSPEC, 0);
  }
  if (error != 0) throw kernel_error(error, "leave libxdp's dispatcher", log.text());
}

}  // namespace ctga
