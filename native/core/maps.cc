// SPDX-License-Identifier: GPL-2.0-only
#include "core/maps.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>

#include "core/bpffs.hpp"
#include "hash.h"

namespace ctga {
namespace {

constexpr std::uint32_t kOnlyKey = 0;

bpf_map_info info_of(int fd) {
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) {
    throw kernel_error(error, "inspect a BPF map");
  }
  return info;
}

template <typename Value>
Value read_only_value(int fd, const char* what) {
  Value value{};
  if (const int error = bpf_map_lookup_elem(fd, &kOnlyKey, &value)) {
    throw kernel_error(error, std::string("read the ") + what);
  }
  return value;
}

template <typename Value>
void write_only_value(int fd, const Value& value, const char* what) {
  if (const int error = bpf_map_update_elem(fd, &kOnlyKey, &value, BPF_ANY)) {
    throw kernel_error(error, std::string("write the ") + what);
  }
}

// The values of all CPUs in a per-CPU map.
template <typename Value>
std::vector<Value> read_per_cpu(int fd, const char* what) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) throw kernel_error(cpus, "count CPUs");
  static_assert(sizeof(Value) % 8 == 0, "the kernel pads the value of each CPU to 8 bytes");
  std::vector<Value> values(static_cast<std::size_t>(cpus));
  if (const int error = bpf_map_lookup_elem(fd, &kOnlyKey, values.data())) {
    throw kernel_error(error, std::string("read the ") + what);
  }
  return values;
}

std::set<std::uint64_t> read_hashes(int fd) {
  std::set<std::uint64_t> hashes;
  std::uint64_t hash = 0;
  const std::uint64_t* previous = nullptr;
  int error = 0;
  while ((error = bpf_map_get_next_key(fd, previous, &hash)) == 0) {
    hashes.insert(hash);
    previous = &hash;
    // If somebody else removes that key meanwhile, the kernel begins again with the first.
    if (hashes.size() > MAX_KNOWN_NAMES) break;
  }
  if (error != 0 && error != -ENOENT) throw kernel_error(error, "read the known names");
  return hashes;
}

// Draws the keys once in the maps' lifetime: name_hashes and seen depend on them.
void ensure_keys(int fd) {
  auto drawn = read_only_value<keys>(fd, "keys");
  if (drawn.ready != 0) return;
  auto* bytes = reinterpret_cast<std::uint8_t*>(&drawn);
  for (std::size_t at = 0; at < sizeof(drawn);) {
    const ssize_t got = getrandom(bytes + at, sizeof(drawn) - at, 0);
    if (got < 0 && errno != EINTR) throw kernel_error(errno, "draw keys");
    if (got > 0) at += static_cast<std::size_t>(got);
  }
  drawn.ready = 1;
  write_only_value(fd, drawn, "keys");
}

// Refuses a name that the program cannot match, which it would silently never see.
void check_name(const Name& name) {
  std::size_t labels = 0;
  std::size_t at = 0;
  while (at < name.size() && name[at] != 0 && name[at] < 64) {
    at += 1 + name[at];
    labels++;
  }
  const bool whole = at + 1 == name.size() && name[at] == 0 && name.size() <= MAX_NAME_LENGTH;
  const bool tree_head = name.size() > 4 && name[0] == 3 && std::memcmp(&name[1], "sth", 3) == 0;
  if (!whole || !tree_head || labels > MAX_LABELS) {
    throw Error(ErrorCode::bad_input, EINVAL,
                "a name of " + std::to_string(name.size()) +
                    " bytes that is not sth.* in wire format and lower case");
  }
}

// The same sum as sum_name in xdp/answer.h.
std::uint64_t hash_of(const Name& name, const keys& key) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < name.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, name.data() + at, std::min<std::size_t>(8, name.size() - at));
    sum += nh_word(fold_word(word), key.name[at / 8]);
  }
  return sum;
}

}  // namespace

std::uint32_t ticks_per_second() {
  // The coarse clocks advance with each jiffy.
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0 || tick.tv_nsec <= 0) return 100;
  return static_cast<std::uint32_t>(1'000'000'000 / tick.tv_nsec);
}

Maps::Maps(std::array<FileDescriptor, 8> fds) : fds_(std::move(fds)) {}

void Maps::draw_keys() const { ensure_keys(fds_[kKeys].get()); }

std::optional<Maps> Maps::open_pinned(const std::string& directory) {
  // The sizes that this version reads and writes, by map. With larger values in the map, the kernel
  // would write past our buffers.
  constexpr std::array<std::array<std::uint32_t, 2>, 8> sizes = {
      {{sizeof(std::uint64_t), sizeof(std::uint8_t)},
       {sizeof(std::uint32_t), sizeof(settings)},
       {sizeof(std::uint32_t), sizeof(ports)},
       {sizeof(std::uint32_t), sizeof(keys)},
       {sizeof(std::uint32_t), sizeof(counters)},
       {sizeof(std::uint32_t), sizeof(seen_answers)},
       {0, 0},
       {0, 0}}};
  std::array<FileDescriptor, 8> fds;
  for (std::size_t i = 0; i < kNames.size(); i++) {
    fds[i] = open_pin(directory + "/" + kNames[i]);
    if (!fds[i]) return std::nullopt;
    const bpf_map_info info = info_of(fds[i].get());
    if (info.key_size != sizes[i][0] || info.value_size != sizes[i][1]) {
      throw Error(ErrorCode::kernel, EPROTO,
                  directory + "/" + kNames[i] + " was made by another version of ctga");
    }
  }
  return Maps(std::move(fds));
}

void Maps::set_known_names(const std::vector<Name>& names) const {
  const auto key = read_only_value<keys>(fds_[kKeys].get(), "keys");
  std::set<std::uint64_t> wanted;
  for (const Name& name : names) {
    check_name(name);
    wanted.insert(hash_of(name, key));
  }
  if (wanted.size() > MAX_KNOWN_NAMES) {
    throw Error(
        ErrorCode::bad_input, E2BIG,
        std::to_string(wanted.size()) + " names, of at most " + std::to_string(MAX_KNOWN_NAMES));
  }

  // Names that go are removed first, so that a full map has room for those that come.
  const int fd = fds_[kNameHashes].get();
  const std::set<std::uint64_t> present = read_hashes(fd);
  for (const std::uint64_t hash : present) {
    if (wanted.count(hash) != 0) continue;
    const int error = bpf_map_delete_elem(fd, &hash);
    if (error != 0 && error != -ENOENT) throw kernel_error(error, "remove a known name");
  }
  constexpr std::uint8_t value = 1;
  for (const std::uint64_t hash : wanted) {
    if (present.count(hash) != 0) continue;
    if (const int error = bpf_map_update_elem(fd, &hash, &value, BPF_ANY)) {
      throw kernel_error(error, "add a known name");
    }
  }
}

std::size_t Maps::known_name_count() const { return read_hashes(fds_[kNameHashes].get()).size(); }

settings Maps::read_settings() const {
  return read_only_value<settings>(fds_[kLimits].get(), "settings");
}

void Maps::write_settings(const settings& value) const {
  write_only_value(fds_[kLimits].get(), value, "settings");
}

std::vector<std::uint16_t> Maps::read_ports() const {
  const auto set = read_only_value<ports>(fds_[kPorts].get(), "ports");
  std::vector<std::uint16_t> numbers;
  for (std::uint32_t port = 0; port < 65536; port++) {
    if (set.words[port / 64] >> (port % 64) & 1) {
      numbers.push_back(static_cast<std::uint16_t>(port));
    }
  }
  return numbers;
}

void Maps::write_ports(const std::vector<std::uint16_t>& numbers) const {
  ports set{};
  for (const std::uint16_t port : numbers) set.words[port / 64] |= std::uint64_t{1} << (port % 64);
  write_only_value(fds_[kPorts].get(), set, "ports");
}

counters Maps::read_counters() const {
  constexpr std::size_t kFields = sizeof(counters) / sizeof(__u64);
  // Every field is a __u64, so the structures add up as arrays.
  std::array<__u64, kFields> sum{};
  static_assert(sizeof(counters) == sizeof(sum));
  for (const auto& cpu : read_per_cpu<decltype(sum)>(fds_[kReasons].get(), "counters")) {
    for (std::size_t i = 0; i < kFields; i++) sum[i] += cpu[i];
  }
  counters result{};
  std::memcpy(&result, sum.data(), sizeof(result));
  return result;
}

std::vector<SeenEntry> Maps::read_seen() const {
  std::vector<SeenEntry> entries;
  const auto cpus = read_per_cpu<seen_answers>(fds_[kSeen].get(), "cache of seen answers");
  for (std::size_t cpu = 0; cpu < cpus.size(); cpu++) {
    for (std::size_t slot = 0; slot < SEEN_SLOTS; slot++) {
      const __u64 entry = cpus[cpu].slots[slot].entry;
      const auto repeats = static_cast<std::uint32_t>(entry);
      if (repeats != 0) entries.push_back({SEEN_ENTRY(cpu, slot, entry >> 32), repeats});
    }
  }
  return entries;
}

std::uint32_t Maps::ring_bytes() const { return info_of(ring_fd(kAnswerRing)).max_entries; }

}  // namespace ctga
