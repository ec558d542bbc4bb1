// SPDX-License-Identifier: Apache-2.0
#include "core/tc.hpp"

#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/file_descriptor.hpp"
#include "core/libbpf_log.hpp"

namespace ctga {
namespace {

// These identify our filter. Filters with a higher priority number run after it.
constexpr std::uint32_t kHandle = 0xc76a;
constexpr std::uint32_t kPriority = 1;

bpf_tc_hook hook_of(std::uint32_t interface_index) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(interface_index);
  hook.attach_point = BPF_TC_INGRESS;
  return hook;
}

bpf_tc_opts our_filter() {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

// Whether the clsact qdisc has any filter, at ingress or egress. This asks over netlink, because
// libbpf can ask for a filter only by its handle.
bool has_filters(std::uint32_t interface_index) {
  const FileDescriptor socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket_fd) throw kernel_error(errno, "ask for TC filters");
  for (const std::uint32_t side : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    struct {
      nlmsghdr header;
      tcmsg message;
    } request{};
    request.header.nlmsg_len = sizeof(request);
    request.header.nlmsg_type = RTM_GETTFILTER;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.message.tcm_family = AF_UNSPEC;
    request.message.tcm_ifindex = static_cast<int>(interface_index);
    request.message.tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    if (send(socket_fd.get(), &request, sizeof(request), 0) < 0) {
      throw kernel_error(errno, "ask for TC filters");
    }

    alignas(nlmsghdr) std::array<char, 16384> answer{};
    for (bool done = false; !done;) {
      const ssize_t received = recv(socket_fd.get(), answer.data(), answer.size(), 0);
      if (received <= 0) throw kernel_error(errno, "ask for TC filters");
      auto left = static_cast<unsigned>(received);
      for (auto* part = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(part, left);
           part = NLMSG_NEXT(part, left)) {
        if (part->nlmsg_type == RTM_NEWTFILTER) return true;
        done = done || part->nlmsg_type == NLMSG_DONE || part->nlmsg_type == NLMSG_ERROR;
      }
    }
  }
  return false;
}

}  // namespace

std::uint32_t tc_program(std::uint32_t interface_index) {
  const LibbpfLog log;  // libbpf warns if there is no filter
  const bpf_tc_hook hook = hook_of(interface_index);
  bpf_tc_opts filter = our_filter();
  return bpf_tc_query(&hook, &filter) == 0 ? filter.prog_id : 0;
}

bool tc_attach(std::uint32_t interface_index, int program_fd) {
  const LibbpfLog log;
  bpf_tc_hook hook = hook_of(interface_index);
  const int made = bpf_tc_hook_create(&hook);
  if (made != 0 && made != -EEXIST) throw kernel_error(made, "make a TC hook", log.text());
  bpf_tc_opts filter = our_filter();
  filter.prog_fd = program_fd;
  filter.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &filter)) {
    if (made == 0) tc_detach(interface_index, true);
    throw kernel_error(error, "attach at TC ingress", log.text());
  }
  return made == 0;
}

void tc_detach(std::uint32_t interface_index, bool remove_qdisc) {
  const LibbpfLog log;
  bpf_tc_hook hook = hook_of(interface_index);
  const bpf_tc_opts filter = our_filter();
  // It is no error if the filter is gone already.
  bpf_tc_detach(&hook, &filter);
  if (!remove_qdisc || has_filters(interface_index)) return;
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

}  // namespace ctga
