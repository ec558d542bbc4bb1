// SPDX-License-Identifier: Apache-2.0
#include "core/attachment.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "core/bpffs.hpp"
#include "core/dispatcher.hpp"
#include "core/libbpf_log.hpp"
#include "core/pins.hpp"
#include "core/program.hpp"
#include "core/tc.hpp"
#include "core/tcx.hpp"

namespace ctga {
namespace {

// What is said of a program without the part that tells merged datagrams apart.
constexpr const char* kMergedUnseen =
    "this kernel's verifier leaves no room to tell apart datagrams that were merged";

// Why it is in a dispatcher that was there before, or is in one at all.
constexpr const char* kJoined = "libxdp's dispatcher is there, and ctga runs first in it";
constexpr const char* kByDispatcher = "by libxdp's dispatcher, so that other XDP programs can join";

std::string link_path(const std::string& pin_directory) { return pin_directory + "/link"; }

// A TC filter cannot be pinned, so its program is. A second pin says that we made the qdisc too.
std::string program_path(const std::string& pin_directory) { return pin_directory + "/program"; }
std::string qdisc_path(const std::string& pin_directory) {
  return pin_directory + "/program-and-qdisc";
}

// libxdp's dispatchers come and go, and their links to our program with them, so it is pinned too.
std::string dispatched_path(const std::string& pin_directory) {
  return pin_directory + "/dispatched";
}

// The XDP program that runs on an interface, ours or not. A program_id of 0 means that none does.
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
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) {
    throw kernel_error(error, "inspect a BPF link");
  }
  return info;
}

bpf_prog_info info_of_program(int fd) {
  bpf_prog_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) {
    throw kernel_error(error, "inspect a BPF program");
  }
  return info;
}

std::uint32_t id_of_program(int fd) { return info_of_program(fd).id; }

// Such as: the XDP program "name" (id 42). Without the name if we may not ask for it.
std::string describe_program(const char* type, std::uint32_t id) {
  std::string name;
  if (const FileDescriptor fd{bpf_prog_get_fd_by_id(id)}; fd) {
    name = info_of_program(fd.get()).name;
  }
  return std::string("the ") + type + " program " + (name.empty() ? "" : "\"" + name + "\" ") +
         "(id " + std::to_string(id) + ")";
}

Error foreign_program(const std::string& interface, std::uint32_t program_id) {
  return Error(ErrorCode::foreign_xdp_program, EBUSY,
               interface + " already runs " + describe_program("XDP", program_id));
}

bool is_tcx(const bpf_link_info& info) { return info.type == kTcxLinkType; }

bool is_tc(Mode mode) { return mode == Mode::tcx || mode == Mode::tc; }

// Whether the link's program is on this very interface. IDs of programs are unique on the machine,
// those of interfaces are not.
bool holds_program(const bpf_link_info& info, std::uint32_t interface_index,
                   std::uint32_t running_program) {
  // For both types of links, the interface's index is at one place.
  if (info.xdp.ifindex == 0 || info.xdp.ifindex != interface_index) return false;
  if (!is_tcx(info)) return info.prog_id == running_program;
  const std::vector<std::uint32_t> programs = tcx_programs(interface_index);
  return std::find(programs.begin(), programs.end(), info.prog_id) != programs.end();
}

FileDescriptor create_link(int program_fd, std::uint32_t interface_index, Mode mode, int& error) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = mode == Mode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const int fd = bpf_link_create(program_fd, static_cast<int>(interface_index), BPF_XDP, &options);
  error = fd < 0 ? -fd : 0;
  return FileDescriptor(fd);
}

// Whether native mode failed for a reason that holds for generic mode too.
bool is_final(int error) {
  return error == EBUSY || error == EEXIST || error == EPERM || error == EACCES || error == ENODEV;
}

struct NewLink {
  FileDescriptor fd;
  Mode mode;
  std::string refusal;
};

// Tries native mode, and at a CPU port then generic mode; or only the mode that was asked for.
// Returns a link without a descriptor if none is possible.
NewLink make_link(const AttachOptions& options, int program_fd, std::uint32_t interface_index) {
  const LibbpfLog log;
  NewLink link{FileDescriptor(), options.mode.value_or(Mode::native), ""};
  int error = 0;
  link.fd = create_link(program_fd, interface_index, link.mode, error);
  if (!link.fd && !options.mode && !is_final(error)) {
    link.refusal = std::string("the driver refused native mode: ") + std::strerror(error);
    if (!options.at_cpu_port) return link;
    link.mode = Mode::generic;
    link.fd = create_link(program_fd, interface_index, link.mode, error);
  }
  if (link.fd) return link;
  if (error == EBUSY || error == EEXIST) {
    // Somebody was faster than our own look at the interface.
    throw foreign_program(options.interface, query(interface_index).program_id);
  }
  if (options.mode || is_final(error)) {
    throw kernel_error(error,
                       "attach to " + options.interface + " in " + to_string(link.mode) + " mode",
                       log.text());
  }
  link.refusal = std::string("the kernel refused XDP: ") + std::strerror(error);
  return link;
}

// The pinned link if it still holds our program on this very interface; empty if there is no link
// or it is defunct. Otherwise, as if its interface was moved to another network namespace, throws
// Error{busy}.
FileDescriptor find_running_link(const std::string& pin_directory, const std::string& interface,
                                 std::uint32_t interface_index, const Running& running) {
  FileDescriptor link = open_pin(link_path(pin_directory));
  const bpf_link_info info = link ? info_of_link(link.get()) : bpf_link_info{};

  // There is no link, or its interface is gone, or somebody detached it by force.
  if (info.xdp.ifindex == 0) return FileDescriptor();
  if (holds_program(info, interface_index, running.program_id)) return link;
  throw Error(ErrorCode::busy, EBUSY,
              pin_directory + " belongs to another interface that is or was named " + interface);
}

// Whether our filter with the program pinned here is on this very interface.
bool filter_runs(const std::string& pin_directory, std::uint32_t interface_index) {
  const FileDescriptor program = open_pin(program_path(pin_directory));
  return program && interface_index != 0 &&
         id_of_program(program.get()) == tc_program(interface_index);
}

// Our program that is pinned here, if the dispatcher which runs on this very interface has it.
FileDescriptor find_dispatched(const std::string& pin_directory, std::uint32_t interface_index,
                               std::uint32_t running_program) {
  FileDescriptor program = open_pin(dispatched_path(pin_directory));
  if (!program) return program;
  const auto programs = dispatched_programs(interface_index, running_program);
  const bool runs =
      std::find(programs.begin(), programs.end(), id_of_program(program.get())) != programs.end();
  return runs ? std::move(program) : FileDescriptor();
}

// Whether the link or the program that is pinned here holds a program on this very interface.
bool runs_on(const std::string& pin_directory, std::uint32_t interface_index,
             std::uint32_t running_program) {
  if (const FileDescriptor link = open_pin(link_path(pin_directory)); link) {
    return holds_program(info_of_link(link.get()), interface_index, running_program);
  }
  return filter_runs(pin_directory, interface_index) ||
         find_dispatched(pin_directory, interface_index, running_program);
}

// The XDP program of an interface that may be gone by now: then 0.
std::uint32_t running_program_of(std::uint32_t interface_index) {
  try {
    return interface_index == 0 ? 0 : query(interface_index).program_id;
  } catch (const Error&) {
    return 0;
  }
}

// Whether no interface is known to run what is pinned here. Filters and dispatchers can be asked for
// only in their own network namespace.
bool is_gone(const PinDirectory& pins) {
  if (const FileDescriptor link = open_pin(link_path(pins.path)); link) {
    return info_of_link(link.get()).xdp.ifindex == 0;
  }
  if (pins.is_here) {
    return !runs_on(pins.path, pins.interface_index, running_program_of(pins.interface_index));
  }
  return !open_pin(program_path(pins.path)) && !open_pin(dispatched_path(pins.path));
}

// Where this interface is pinned already; nothing if it is not. Elsewhere than at `place` are pins
// that an earlier version named for the interface, that came with it from another network
// namespace, or of an interface of its name that went away.
std::optional<PinDirectory> find_pins(const std::string& interface, std::uint32_t interface_index,
                                      std::uint32_t running_program, const std::string& place) {
  std::optional<PinDirectory> found;
  for (PinDirectory& pins : list_pin_directories()) {
    const bool at_place = pins.is_here && pins.path == place;
    try {
      if (runs_on(pins.path, interface_index, running_program)) return std::move(pins);
    } catch (const Error& closed) {
      // Another account's, such as root's for another interface, keep nobody from attaching here.
      if (at_place || closed.ctga_code() != ErrorCode::not_permitted) throw;
      continue;
    }
    const bool may_be_ours = pins.is_here || pins.network_namespace == 0;
    if (at_place || (!found && may_be_ours && pins.interface == interface && is_gone(pins))) {
      found = std::move(pins);
    }
  }
  return found;
}

// Removes what was pinned at this place for an interface that is no more.
void remove_stale_pins(const std::string& place) {
  struct stat info = {};
  if (stat(place.c_str(), &info) != 0) return;
  const FileLock lock(place);
  remove_pins(place);
}

// Whether frames on the interface that is pinned here begin as they did when it was attached.
bool reads_link(const std::string& pin_directory) {
  return has_noted_link(pin_directory, read_pin_directory(pin_directory).interface);
}

// The index of the interface that is pinned here; 0 if it is in another network namespace, or may
// be. Filters can be asked for only in the interface's own namespace.
std::uint32_t index_here(const std::string& pin_directory) {
  const PinDirectory pins = read_pin_directory(pin_directory);
  if (pins.network_namespace == 0) return if_nametoindex(pins.interface.c_str());
  return pins.is_here ? pins.interface_index : 0;
}

// Takes our program off the interface: another mode needs another hook, so packets pass unseen in
// between. The pins stay until there is something to pin in their place: if attaching fails, they
// still say that a program is to run here.
void stop_running(const std::string& pin_directory, const std::string& interface,
                  std::uint32_t interface_index, FileDescriptor& link, bool filter,
                  FileDescriptor& dispatched) {
  if (link) {
    if (const int error = bpf_link_detach(link.get())) {
      throw kernel_error(error, "detach from " + interface);
    }
    link = FileDescriptor();
  }
  if (filter) {
    tc_detach(interface_index, static_cast<bool>(open_pin(qdisc_path(pin_directory))));
  }
  if (dispatched) {
    leave_dispatcher(dispatched.get(), interface_index);
    dispatched = FileDescriptor();
  }
}

void unpin_stopped(const std::string& pin_directory) {
  for (const std::string& path : {link_path(pin_directory), program_path(pin_directory),
                                  qdisc_path(pin_directory), dispatched_path(pin_directory)}) {
    unlink(path.c_str());
  }
}

void update_link(const FileDescriptor& link, int program_fd, const std::string& interface) {
  if (const int error = bpf_link_update(link.get(), program_fd, nullptr)) {
    throw kernel_error(error, "update the program of " + interface);
  }
}

// Replaces our filter's program, or puts it at TC ingress first. A filter cannot be pinned, so its
// program is.
void run_filter(const Program& program, std::uint32_t interface_index, const std::string& pins) {
  // Pinned first: a crash in between leaves a pin without a filter, which reads as "not attached".
  pin(program.fd(), program_path(pins));
  if (tc_attach(interface_index, program.fd())) pin(program.fd(), qdisc_path(pins));
}

// Puts the program at TC ingress before all others, in the place of the tcx link or the filter that
// runs there, if any does. Both see packets for a moment, as otherwise neither would.
Mode run_at_tc(const AttachOptions& options, const Program& program, std::uint32_t interface_index,
               const std::string& pins, FileDescriptor running_link) {
  const std::vector<std::uint32_t> programs = tcx_programs(interface_index);
  if (running_link && !programs.empty() &&
      programs.front() == info_of_link(running_link.get()).prog_id) {
    update_link(running_link, program.fd(), options.interface);
  } else {
    const FileDescriptor link =
        options.old_kernel ? FileDescriptor() : tcx_attach(interface_index, program.fd());
    if (!link) {
      run_filter(program, interface_index, pins);
      return Mode::tc;
    }
    pin(link.get(), link_path(pins));
    if (running_link) bpf_link_detach(running_link.get());
  }
  if (filter_runs(pins, interface_index)) {
    tc_detach(interface_index, static_cast<bool>(open_pin(qdisc_path(pins))));
  }
  unlink(program_path(pins).c_str());
  unlink(qdisc_path(pins).c_str());
  return Mode::tcx;
}

bool uses_map(int program_fd, std::uint32_t map_id) {
  std::vector<std::uint32_t> ids(64);
  bpf_prog_info info{};
  info.nr_map_ids = static_cast<std::uint32_t>(ids.size());
  info.map_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(program_fd, &info, &length)) {
    throw kernel_error(error, "inspect a BPF program");
  }
  ids.resize(std::min<std::size_t>(ids.size(), info.nr_map_ids));
  return std::find(ids.begin(), ids.end(), map_id) != ids.end();
}

// Takes out of the interface's dispatcher what else of ours is in it, which shares our counters: what
// a process left there that was killed before it could take it out.
void leave_duplicates(const Program& ours, std::uint32_t interface_index) {
  const std::uint32_t our_id = id_of_program(ours.fd());
  const std::uint32_t counters = ours.id_of_map(Maps::kNames[Maps::kVerdicts]);
  for (const std::uint32_t id :
       dispatched_programs(interface_index, query(interface_index).program_id)) {
    const FileDescriptor program{id == our_id ? -1 : bpf_prog_get_fd_by_id(id)};
    if (program && uses_map(program.get(), counters)) {
      leave_dispatcher(program.get(), interface_index);
    }
  }
}

// Removes what another version pinned and this one does not know. Returns the names.
std::vector<std::string> remove_unknown_pins(const std::string& pin_directory) {
  std::set<std::string> known = {link_path(""),
                                 program_path(""),
                                 qdisc_path(""),
                                 dispatched_path(""),
                                 std::string("/") + kInterfaceNote,
                                 std::string("/") + kNamespaceNote,
                                 std::string("/") + kLinkNote,
                                 std::string("/") + kWhyNote};
  for (const char* name : Maps::kNames) known.insert(std::string("/") + name);
  std::vector<std::string> removed;
  for (const std::string& name : list_pins(pin_directory)) {
    if (known.count("/" + name) != 0) continue;
    unlink((pin_directory + "/" + name).c_str());
    removed.push_back(name);
  }
  return removed;
}

// Returns whether the program runs on an interface of this network namespace.
bool describe_link(const FileDescriptor& link, LinkState& state) {
  const bpf_link_info info = info_of_link(link.get());
  state.attached = info.xdp.ifindex != 0;
  state.mode = is_tcx(info) ? Mode::tcx : Mode::unknown;
  state.interface_index = info.xdp.ifindex;
  state.program_id = info.prog_id;
  if (const FileDescriptor program{bpf_prog_get_fd_by_id(info.prog_id)}; program) {
    state.at_cpu_port = std::strcmp(info_of_program(program.get()).name, name_of(Hook::cpu)) == 0;
  }
  if (!state.attached) return false;
  try {
    const Running running = query(state.interface_index);
    if (!holds_program(info, state.interface_index, running.program_id)) return false;
    if (!is_tcx(info)) state.mode = running.mode;
    return true;
  } catch (const Error&) {
    return false;  // no interface here has this index
  }
}

// Likewise of the program that is pinned for a dispatcher.
bool describe_dispatched(const std::string& pin_directory, int program_fd, LinkState& state) {
  state.dispatched = true;
  state.mode = Mode::unknown;
  state.interface_index = index_here(pin_directory);
  state.program_id = id_of_program(program_fd);
  if (running_program_of(state.interface_index) == 0) return false;
  const Running running = query(state.interface_index);
  for (const std::uint32_t id : dispatched_programs(state.interface_index, running.program_id)) {
    if (id == state.program_id) {
      state.attached = true;
      state.mode = running.mode;
      return true;
    }
    state.behind.push_back(describe_program("XDP", id));
  }
  state.behind.clear();
  return false;
}

// Which programs see packets before ours, which is at TC ingress of an interface here.
void describe_others(LinkState& state) {
  if (const std::uint32_t xdp = query(state.interface_index).program_id; xdp != 0) {
    state.behind.push_back(describe_program("XDP", xdp));
  }
  for (const std::uint32_t id : tcx_programs(state.interface_index)) {
    if (id == state.program_id) break;
    state.behind.push_back(describe_program("tcx", id));
    state.overtaken = true;
  }
}

// Removes the directory if attaching fails and leaves it empty. Only the holder of its lock may.
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
    case Mode::tcx: return "tcx";
    case Mode::tc: return "tc";
    case Mode::unknown: return "unknown";
  }
  return "unknown";
}

Attachment attach(const AttachOptions& options) {
  const std::uint32_t interface_index = if_nametoindex(options.interface.c_str());
  if (interface_index == 0) {
    throw Error(ErrorCode::no_such_interface, errno, "find " + options.interface);
  }

  const LinkLayer layer = link_layer_of(options.interface);
  // XDP is for Ethernet: what it sees elsewhere is up to the driver.
  const bool needs_tc = layer != LinkLayer::ethernet;
  if (needs_tc && (options.at_cpu_port || !is_tc(options.mode.value_or(Mode::tc)))) {
    throw Error(ErrorCode::bad_input, EOPNOTSUPP,
                "frames on " + options.interface + " begin with IP, and XDP reads Ethernet");
  }

  ensure_pins_root();
  const Running running = query(interface_index);
  const std::string place = pins_of(interface_index);
  const std::optional<PinDirectory> found =
      find_pins(options.interface, interface_index, running.program_id, place);
  if (!found || found->path != place) remove_stale_pins(place);
  std::string pins = found ? found->path : place;
  std::optional<FileLock> lock;
  std::optional<DirectoryGuard> guard;
  if (options.reader) {
    lock.emplace(pins);
    guard.emplace(pins);
  }

  FileDescriptor link = find_running_link(pins, options.interface, interface_index, running);
  const bool filter = filter_runs(pins, interface_index);
  FileDescriptor dispatched = find_dispatched(pins, interface_index, running.program_id);
  const bool tcx = link && is_tcx(info_of_link(link.get()));
  const bool by_link = link && !tcx;
  const bool xdp = by_link || dispatched;
  const bool foreign = !xdp && running.program_id != 0;
  // A dispatcher, in the mode that is asked for if one is.
  const bool joinable = foreign && !options.at_cpu_port && !needs_tc &&
                        (!options.mode || *options.mode == running.mode) &&
                        !dispatched_programs(interface_index, running.program_id).empty();
  if (foreign && !joinable && (options.at_cpu_port || (options.mode && !is_tc(*options.mode)))) {
    throw foreign_program(options.interface, running.program_id);
  }

  // A running program stays at its hook unless another is asked for: changing it makes a gap.
  const bool stays_at_tc = !xdp && (link || filter || (foreign ? !joinable : options.prefers_tc));
  bool wants_tc =
      !options.at_cpu_port && (options.mode ? is_tc(*options.mode) : needs_tc || stays_at_tc);
  const bool took_over =
      wants_tc ? tcx || filter : xdp && (!options.mode || *options.mode == running.mode);
  std::string why = took_over && !options.mode ? read_note(pins, kWhyNote)
                    : joinable && !wants_tc    ? kJoined
                    : foreign ? foreign_program(options.interface, running.program_id).doing()
                              : options.why;
  const auto add_to_why = [&](const std::string& more) {
    if (why.find(more) == std::string::npos) why += (why.empty() ? "" : "; ") + more;
  };

  // Up to here and while we load, a running program goes on as it was.
  std::optional<Program> program;
  const auto open = [&](Hook hook, bool parts_merged) {
    program.emplace(
        ProgramOptions{options.object_path, hook, options.ring_bytes, pins, layer, parts_merged});
    if (!options.reader && !program->shares(Maps::kNames[Maps::kLimits])) {
      throw Error(ErrorCode::not_attached, ENOENT, "find the maps in " + pins);
    }
  };
  const auto load = [&](Hook hook) {
    open(hook, true);
    try {
      program->load();
    } catch (const Error& refused) {
      // The verifier of Linux 6.1 goes through all of it for merged datagrams too, and gives up.
      if (hook != Hook::tc || refused.code().value() != E2BIG) throw;
      open(hook, false);
      program->load();
      add_to_why(kMergedUnseen);
    }
  };
  std::optional<Mode> mode;
  // Only a new link, or what is in a dispatcher already: a link of ours goes on.
  if (!wants_tc && !by_link && !options.at_cpu_port) {
    const Mode joined_mode =
        joinable || (dispatched && took_over) ? running.mode : options.mode.value_or(Mode::native);
    FileDescriptor none;
    // A dispatcher has one mode.
    if (!took_over) stop_running(pins, options.interface, interface_index, none, false, dispatched);
    open(Hook::xdp, true);
    std::string refusal;
    const Joined joined = program->join(interface_index, joined_mode == Mode::native, refusal);
    if (joined == Joined::yes) {
      mode = joined_mode;
      if (!joinable) add_to_why(kByDispatcher);
    } else if (took_over) {
      throw Error(ErrorCode::kernel, EOPNOTSUPP, "join libxdp's dispatcher: " + refusal);
    } else if (joinable) {
      const Error other = foreign_program(options.interface, running.program_id);
      if (options.mode) throw other;
      wants_tc = true;
      why = other.doing() + ", which ctga cannot join (" + refusal + ")";
    } else {
      add_to_why("no other XDP program can run beside it (" + refusal + ")");
    }
    if (joined == Joined::no) load(wants_tc ? Hook::tc : Hook::xdp);
  } else {
    load(wants_tc ? Hook::tc : options.at_cpu_port ? Hook::cpu : Hook::xdp);
  }
  // New maps have no settings yet, and without settings a program copies nothing.
  const auto prepare = [&] {
    Maps maps = program->maps();
    if (!options.reader) return maps;
    maps.write_settings(options.initial_settings);
    return maps;
  };
  Maps maps = prepare();

  if (!took_over) stop_running(pins, options.interface, interface_index, link, filter, dispatched);
  // Once a program runs, or is about to. The lock is on the directory, wherever it lies.
  const auto settle = [&] {
    if (pins != place && rename(pins.c_str(), place.c_str()) != 0) {
      throw kernel_error(errno, "rename " + pins + " to " + place);
    }
    pins = place;
    if (!took_over) unpin_stopped(pins);
  };
  if (mode) {
    settle();
    pin(program->fd(), dispatched_path(pins));
    if (dispatched) leave_dispatcher(dispatched.get(), interface_index);
    leave_duplicates(*program, interface_index);
  } else if (!wants_tc && took_over) {
    update_link(link, program->fd(), options.interface);
    mode = running.mode;
    settle();
  } else if (!wants_tc) {
    NewLink made = make_link(options, program->fd(), interface_index);
    if (made.fd) {
      settle();
      pin(made.fd.get(), link_path(pins));
      mode = made.mode;
    }
    if (!made.refusal.empty()) why = std::move(made.refusal);
    if (!made.fd && options.at_cpu_port) {
      throw Error(ErrorCode::kernel, EOPNOTSUPP, "attach to " + options.interface + ": " + why);
    }
    if (!made.fd) {
      load(Hook::tc);
      maps = prepare();
    }
  }
  if (!mode) {
    settle();
    mode = run_at_tc(options, *program, interface_index, pins,
                     tcx ? std::move(link) : FileDescriptor());
  }
  // After that: a crash in between leaves the program with maps that no pin names, which attaching
  // again repairs.
  program->pin_maps(pins);
  std::vector<std::string> replaced = program->replaced_maps();
  for (const std::string& name : remove_unknown_pins(pins)) {
    replaced.push_back(name);
  }
  write_notes(pins, options.interface, layer);
  write_note(pins, kWhyNote, why);

  // The link's descriptor is closed on return. From then on the pin alone holds the link, so that
  // removing the pin detaches.
  return Attachment{std::move(maps),
                    std::move(lock),
                    *mode,
                    interface_index,
                    pins,
                    found ? found->noted_name : "",
                    std::move(why),
                    took_over,
                    program->shares(Maps::kNames[Maps::kSeen]),
                    std::move(replaced)};
}

std::vector<PinnedPlane> list_planes() {
  std::vector<PinnedPlane> planes;
  for (PinDirectory& pins : list_pin_directories()) {
    if (pins.network_namespace == 0) {
      const std::uint32_t index = if_nametoindex(pins.interface.c_str());
      pins.is_here =
          is_gone(pins) || (index != 0 && runs_on(pins.path, index, query(index).program_id));
    }
    planes.push_back(PinnedPlane{std::move(pins.path), pins.network_namespace,
                                 std::move(pins.interface), pins.is_here});
  }
  return planes;
}

std::optional<LinkState> link_state(const std::string& pin_directory) {
  LinkState state{};
  state.why = read_note(pin_directory, kWhyNote);
  bool is_here = false;
  if (const FileDescriptor link = open_pin(link_path(pin_directory)); link) {
    is_here = describe_link(link, state);
  } else if (const FileDescriptor program = open_pin(program_path(pin_directory)); program) {
    state.mode = Mode::tc;
    state.interface_index = index_here(pin_directory);
    state.program_id = id_of_program(program.get());
    state.attached = is_here = filter_runs(pin_directory, state.interface_index);
  } else if (const FileDescriptor dispatched = open_pin(dispatched_path(pin_directory));
             dispatched) {
    is_here = describe_dispatched(pin_directory, dispatched.get(), state);
  } else {
    return std::nullopt;
  }
  if (is_here && is_tc(state.mode)) describe_others(state);
  if (is_here) state.attached = reads_link(pin_directory);
  return state;
}

void detach(const std::string& pin_directory) {
  // Detached first and explicitly: another process may hold the link open.
  if (const FileDescriptor link = open_pin(link_path(pin_directory)); link) {
    bpf_link_detach(link.get());
  }
  if (const std::uint32_t index = index_here(pin_directory); filter_runs(pin_directory, index)) {
    tc_detach(index, static_cast<bool>(open_pin(qdisc_path(pin_directory))));
  } else if (const FileDescriptor program =
                 find_dispatched(pin_directory, index, running_program_of(index));
             program) {
    leave_dispatcher(program.get(), index);
  }
  if (!remove_pins(pin_directory)) {
    throw Error(ErrorCode::not_attached, ENOENT, "find " + pin_directory);
  }
}

}  // namespace ctga
