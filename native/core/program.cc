// SPDX-License-Identifier: Apache-2.0
#include "core/program.hpp"

#include <bpf/bpf.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/bpffs.hpp"
#include "core/libbpf_log.hpp"

namespace ctga {
namespace {

// Refuses an old kernel in plain words. Its own refusal would be a verifier's log about an unknown
// function.
void require_kernel() {
  utsname name{};
  unsigned major = 0;
  unsigned minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%u.%u", &major, &minor) != 2) return;
  if (major < 6 || (major == 6 && minor < 1)) {
    throw Error(ErrorCode::kernel, ENOSYS,
                std::string("Linux ") + name.release + " is too old, 6.1 is needed");
  }
}

bpf_map* find_map(const bpf_object* object, const char* name) {
  bpf_map* map = bpf_object__find_map_by_name(object, name);
  if (map == nullptr) {
    throw Error(ErrorCode::not_set_up, ENOENT, std::string("the object file has no map ") + name);
  }
  return map;
}

// The verifier gives up (EAGAIN) if a signal is pending, and a profiler's always is.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

// They are all that .rodata holds.
void set_constants(bpf_object* object, const constants& value) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (std::strstr(bpf_map__name(map), ".rodata") == nullptr) continue;
    if (const int error = bpf_map__set_initial_value(map, &value, sizeof(value))) {
      throw kernel_error(error, "set the program's constants");
    }
  }
}

}  // namespace

const char* name_of(Hook hook) {
  switch (hook) {
    case Hook::xdp: return "ctga";
    case Hook::tc: return "ctga_tc";
    case Hook::cpu: return "ctga_cpu";
  }
  return "";
}

Program::Program(const ProgramOptions& options)
    : object_(nullptr, bpf_object__close), name_(name_of(options.hook)) {
  require_kernel();
  const LibbpfLog log;

  object_.reset(bpf_object__open_file(options.object_path.c_str(), nullptr));
  if (!object_) {
    throw Error(ErrorCode::not_set_up, errno, "open " + options.object_path, log.text());
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_.get()) {
    bpf_program__set_autoload(program, std::strcmp(bpf_program__name(program), name_) == 0);
  }
  if (bpf_object__find_program_by_name(object_.get(), name_) == nullptr) {
    throw Error(ErrorCode::not_set_up, ENOENT, options.object_path + " holds no program " + name_);
  }
  set_constants(object_.get(),
                constants{options.link == LinkLayer::ethernet, options.parts_merged});

  for (const Maps::Index index : {Maps::kAnswerRing, Maps::kFragmentRing}) {
    bpf_map* ring = find_map(object_.get(), Maps::kNames[index]);
    if (const int error = bpf_map__set_max_entries(ring, options.ring_bytes)) {
      throw kernel_error(error, "size a ring buffer");
    }
  }
  if (!options.pin_directory.empty()) {
    for (const char* name : Maps::kNames) {
      if (share_pinned(find_map(object_.get(), name), options.pin_directory + "/" + name)) {
        shared_.emplace_back(name);
      }
    }
  }
}

void Program::load() {
  const LibbpfLog log;
  const SignalsBlocked blocked;
  if (const int error = bpf_object__load(object_.get())) {
    throw kernel_error(error, "load the BPF program", log.text());
  }
}

Joined Program::join(std::uint32_t interface_index, bool native, std::string& refusal) {
  const LibbpfLog log;
  const SignalsBlocked blocked;
  return join_dispatcher(object_.get(), name_, interface_index, native, refusal);
}

// Makes the program use the map that is pinned at `path` in place of its own. Returns false if none
// is, or if it does not fit; the latter is noted in replaced_.
bool Program::share_pinned(bpf_map* map, const std::string& path) {
  const FileDescriptor pinned = open_pin(path);
  if (!pinned) return false;

  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(pinned.get(), &info, &length)) {
    throw kernel_error(error, "inspect " + path);
  }
  const bool fits =
      is_map(pinned.get()) && info.type == bpf_map__type(map) &&
      info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
      info.map_flags == bpf_map__map_flags(map) && info.max_entries == bpf_map__max_entries(map);
  if (!fits) {
    replaced_.emplace_back(bpf_map__name(map));
    return false;
  }
  if (const int error = bpf_map__reuse_fd(map, pinned.get())) {
    throw kernel_error(error, "share " + path);
  }
  return true;
}

int Program::fd() const {
  return bpf_program__fd(bpf_object__find_program_by_name(object_.get(), name_));
}

Maps Program::maps() const {
  std::array<FileDescriptor, Maps::kNames.size()> fds;
  for (std::size_t i = 0; i < fds.size(); i++) {
    fds[i] = FileDescriptor::duplicate(bpf_map__fd(find_map(object_.get(), Maps::kNames[i])));
  }
  Maps maps(std::move(fds));
  maps.draw_keys();
  return maps;
}

void Program::pin_maps(const std::string& pin_directory) const {
  for (const char* name : Maps::kNames) {
    if (shares(name)) continue;
    pin(bpf_map__fd(find_map(object_.get(), name)), pin_directory + "/" + name);
  }
}

bool Program::shares(const std::string& map) const {
  return std::find(shared_.begin(), shared_.end(), map) != shared_.end();
}

std::uint32_t Program::id_of_map(const std::string& map) const {
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  const int fd = bpf_map__fd(find_map(object_.get(), map.c_str()));
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) {
    throw kernel_error(error, "inspect the map " + map);
  }
  return info.id;
}

TestRun Program::test_run(const std::vector<std::uint8_t>& packet, std::uint32_t repeat,
                          std::uint32_t linear) const {
  // There is room for a packet that the program made longer, which would be a bug worth seeing.
  TestRun result{0, 0, std::vector<std::uint8_t>(packet.size() + 256)};
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = static_cast<std::uint32_t>(packet.size());
  options.data_out = result.packet.data();
  options.data_size_out = static_cast<std::uint32_t>(result.packet.size());
  options.repeat = static_cast<int>(repeat);
  xdp_md context{};
  context.data_end = linear;
  if (linear != 0 && linear < packet.size()) {
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
  }
  if (const int error = bpf_prog_test_run_opts(fd(), &options)) {
    throw kernel_error(error, "run the XDP program");
  }
  result.verdict = options.retval;
  result.duration_ns = options.duration;
  result.packet.resize(options.data_size_out);
  return result;
}

}  // namespace ctga
