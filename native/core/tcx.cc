// SPDX-License-Identifier: Apache-2.0
#include "core/tcx.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace ctga {
namespace {

// Of Linux 6.6: the headers of Debian 12 have none of these.
constexpr std::uint32_t kTcxIngress = 46;    // BPF_TCX_INGRESS
constexpr std::uint32_t kBefore = 1U << 3U;  // BPF_F_BEFORE
constexpr std::uint32_t kMostPrograms = 64;  // BPF_MPROG_MAX

// union bpf_attr for BPF_LINK_CREATE. Before no program in particular is before all.
struct LinkCreate {
  std::uint32_t program_fd;
  std::uint32_t interface_index;
  std::uint32_t attach_type;
  std::uint32_t flags;
};

// union bpf_attr for BPF_PROG_QUERY, without what is behind.
struct ProgramQuery {
  std::uint32_t interface_index;
  std::uint32_t attach_type;
  std::uint32_t query_flags;
  std::uint32_t attach_flags;
  std::uint64_t program_ids;
  std::uint32_t count;
  std::uint32_t padding;
};

template <typename Attributes>
int call_bpf(bpf_cmd command, Attributes& attributes) {
  return static_cast<int>(syscall(__NR_bpf, command, &attributes, sizeof(attributes)));
}

}  // namespace

std::vector<std::uint32_t> tcx_programs(std::uint32_t interface_index) {
  std::vector<std::uint32_t> ids(kMostPrograms);
  ProgramQuery query{};
  query.interface_index = interface_index;
  query.attach_type = kTcxIngress;
  query.program_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  query.count = kMostPrograms;
  if (call_bpf(BPF_PROG_QUERY, query) != 0) {
    if (errno != EINVAL && errno != ENODEV) throw kernel_error(errno, "ask for tcx programs");
    query.count = 0;
  }
  ids.resize(query.count);
  return ids;
}

FileDescriptor tcx_attach(std::uint32_t interface_index, int program_fd) {
  LinkCreate create{static_cast<std::uint32_t>(program_fd), interface_index, kTcxIngress, kBefore};
  FileDescriptor link(call_bpf(BPF_LINK_CREATE, create));
  if (!link && errno != EINVAL) throw kernel_error(errno, "attach at TC ingress");
  return link;
}

}  // namespace ctga
