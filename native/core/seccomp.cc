// SPDX-License-Identifier: Apache-2.0
#include "core/seccomp.hpp"

#include <dirent.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace ctga {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // its system calls are not known here
#endif
// On x86-64, the system calls of the x32 ABI begin here.
constexpr std::uint32_t kX32 = 0x40000000;

// Whole groups of systemd.exec(5): @clock, @cpu-emulation, @debug, @keyring, @module, @mount,
// @obsolete, @raw-io, @reboot, @swap; and what starts or reaches another process.
constexpr std::uint32_t kDenied[] = {
    SYS_execve,
    SYS_execveat,
    SYS_unshare,
    SYS_setns,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_perf_event_open,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_personality,
    SYS_syslog,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
    SYS_fanotify_init,
    SYS_open_by_handle_at,
    SYS_userfaultfd,
    SYS_move_pages,
    SYS_migrate_pages,

    // Newer than some headers; they have the same numbers everywhere.
    424 /* pidfd_send_signal */,
    425 /* io_uring_setup */,
    427 /* io_uring_register */,
    428 /* open_tree */,
    429 /* move_mount */,
    430 /* fsopen */,
    431 /* fsconfig */,
    432 /* fsmount */,
    433 /* fspick */,
    434 /* pidfd_open */,
    438 /* pidfd_getfd */,
    440 /* process_madvise */,
    442 /* mount_setattr */,
#if defined(__x86_64__)
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_uselib,
    SYS_ustat,
    SYS__sysctl,
    SYS_kexec_file_load,
#endif
};
constexpr std::uint32_t kListening[] = {SYS_bind, SYS_listen, SYS_accept, SYS_accept4};
constexpr std::uint32_t kIoUringEnter = 426;
constexpr std::uint32_t kClone3 = 435;
constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

constexpr std::uint32_t failing(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

class Filter {
 public:
  void load(std::size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset), 0, 0);
  }
  // The lower half of an argument: what is asked for here has no other.
  void load_argument(int index) {
    load(offsetof(seccomp_data, args) + sizeof(std::uint64_t) * static_cast<std::size_t>(index));
  }
  void result_if(std::uint16_t condition, std::uint32_t value, std::uint32_t result) {
    add(BPF_JMP | condition | BPF_K, value, 0, 1);
    give(result);
  }
  void result_unless(std::uint16_t condition, std::uint32_t value, std::uint32_t result) {
    add(BPF_JMP | condition | BPF_K, value, 1, 0);
    give(result);
  }
  void give(std::uint32_t result) { add(BPF_RET | BPF_K, result, 0, 0); }
  // Of one system call: allowed if its argument is one of these, and fails with `error` otherwise.
  void allow_only(std::uint32_t call, int argument, const std::vector<std::uint32_t>& values,
                  int error) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, static_cast<std::uint8_t>(2 + 2 * values.size()));
    load_argument(argument);
    for (const std::uint32_t value : values) result_if(BPF_JEQ, value, SECCOMP_RET_ALLOW);
    give(failing(error));
  }

  void install() {
    sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    // Every thread, those that Node has made before as well.
    const long result =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (result != 0) throw kernel_error(result > 0 ? EBUSY : errno, "filter system calls");
  }

 private:
  void add(int code, std::uint32_t value, std::uint8_t when_true, std::uint8_t when_false) {
    code_.push_back({static_cast<std::uint16_t>(code), when_true, when_false, value});
  }
  std::vector<sock_filter> code_;
};

// libuv changes its epoll set through a ring, if it could make one when the process began, and ends
// the process if it may not use it any more.
bool has_io_uring() {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir("/proc/self/fd"), closedir);
  if (!entries) return true;
  while (const dirent* entry = readdir(entries.get())) {
    std::array<char, 64> target{};
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    if (readlink(path.c_str(), target.data(), target.size() - 1) > 0 &&
        std::strstr(target.data(), "[io_uring]") != nullptr) {
      return true;
    }
  }
  return false;
}

}  // namespace

void confine(bool without_network) {
  if (kArchitecture == 0) return;
  std::vector<std::uint32_t> families{AF_UNIX};
  if (!without_network) families.insert(families.end(), {AF_INET, AF_INET6});
  const auto self = static_cast<std::uint32_t>(getpid());

  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.result_unless(BPF_JEQ, kArchitecture, failing(EPERM));
  filter.load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
  filter.result_if(BPF_JGE, kX32, failing(EPERM));
#endif
  for (const std::uint32_t call : kDenied) filter.result_if(BPF_JEQ, call, failing(EPERM));
  if (!has_io_uring()) filter.result_if(BPF_JEQ, kIoUringEnter, failing(EPERM));
  if (without_network) {
    for (const std::uint32_t call : kListening) filter.result_if(BPF_JEQ, call, failing(EPERM));
  }
  // Its flags are in memory, which no filter sees. The C library takes clone(2) instead.
  filter.result_if(BPF_JEQ, kClone3, failing(ENOSYS));
  filter.allow_only(SYS_socket, 0, families, EAFNOSUPPORT);
  filter.allow_only(SYS_kill, 0, {self}, EPERM);
  filter.allow_only(SYS_tgkill, 0, {self}, EPERM);
  filter.allow_only(
      SYS_bpf, 0,
      {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY,
       BPF_OBJ_GET_INFO_BY_FD, BPF_MAP_LOOKUP_BATCH, BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH},
      EPERM);
  filter.result_unless(BPF_JEQ, SYS_clone, SECCOMP_RET_ALLOW);
  filter.load_argument(0);
  filter.result_if(BPF_JSET, kNamespaces, failing(EPERM));
  filter.give(SECCOMP_RET_ALLOW);
  filter.install();
}

}  // namespace ctga
