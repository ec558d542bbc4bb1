// SPDX-License-Identifier: GPL-2.0-only
#include "core/maps.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "core/bpffs.hpp"

namespace ctga {
namespace {

enum Index : std::size_t { kKnownNames, kSettings, kCounters };

using Key = std::array<std::uint8_t, sizeof(known_name)>;

constexpr std::uint32_t kOnlyKey = 0;

bpf_map_info info_of(int fd) {
  bpf_map_info info{};
  std::uint32_t length = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) throw kernel_error(error, "inspect a BPF map");
  return info;
}

std::set<Key> read_keys(int fd) {
  std::set<Key> keys;
  Key key{};
  const std::uint8_t* previous = nullptr;
  int error = 0;
  while ((error = bpf_map_get_next_key(fd, previous, key.data())) == 0) {
    keys.insert(key);
    previous = key.data();
    // A key removed meanwhile by somebody else sends the iteration back to the start.
    if (keys.size() > MAX_KNOWN_NAMES) break;
  }
  if (error != 0 && error != -ENOENT) throw kernel_error(error, "read the known names");
  return keys;
}

Key to_key(const Name& name) {
  if (name.empty() || name.size() > MAX_NAME_LENGTH) {
    throw Error(ErrorCode::bad_input, EINVAL, "a DNS name of " + std::to_string(name.size()) + " bytes");
  }
  Key key{};
  std::copy(name.begin(), name.end(), key.begin());
  return key;
}

}  // namespace

std::optional<Maps> Maps::open_pinned(const std::string& directory) {
  // Sizes as this version reads and writes them: with any other, the kernel would write past our buffers.
  constexpr std::array<std::array<std::uint32_t, 2>, 4> sizes = {{{sizeof(known_name), sizeof(std::uint8_t)},
                                                                  {sizeof(std::uint32_t), sizeof(settings)},
                                                                  {sizeof(std::uint32_t), sizeof(counters)},
                                                                  {0, 0}}};
  std::array<FileDescriptor, 4> fds;
  for (std::size_t i = 0; i < kNames.size(); i++) {
    fds[i] = open_pin(directory + "/" + kNames[i]);
    if (!fds[i]) return std::nullopt;
    const bpf_map_info info = info_of(fds[i].get());
    if (info.key_size != sizes[i][0] || info.value_size != sizes[i][1]) {
      throw Error(ErrorCode::kernel, EPROTO, directory + "/" + kNames[i] + " was made by another version of ctga");
    }
  }
  return Maps(std::move(fds));
}

void Maps::set_known_names(const std::vector<Name>& names) const {
  std::set<Key> wanted;
  for (const Name& name : names) wanted.insert(to_key(name));
  if (wanted.size() > MAX_KNOWN_NAMES) {
    throw Error(ErrorCode::bad_input, E2BIG,
                std::to_string(wanted.size()) + " names, of at most " + std::to_string(MAX_KNOWN_NAMES));
  }

  // First what goes, so that a full map has room for what comes.
  const int fd = fds_[kKnownNames].get();
  const std::set<Key> present = read_keys(fd);
  for (const Key& key : present) {
    if (wanted.count(key) != 0) continue;
    const int error = bpf_map_delete_elem(fd, key.data());
    if (error != 0 && error != -ENOENT) throw kernel_error(error, "remove a known name");
  }
  constexpr std::uint8_t value = 1;
  for (const Key& key : wanted) {
    if (present.count(key) != 0) continue;
    if (const int error = bpf_map_update_elem(fd, key.data(), &value, BPF_ANY)) {
      throw kernel_error(error, "add a known name");
    }
  }
}

std::size_t Maps::known_name_count() const { return read_keys(fds_[kKnownNames].get()).size(); }

settings Maps::read_settings() const {
  settings value{};
  if (const int error = bpf_map_lookup_elem(fds_[kSettings].get(), &kOnlyKey, &value)) {
    throw kernel_error(error, "read the settings");
  }
  return value;
}

void Maps::write_settings(const settings& value) const {
  if (const int error = bpf_map_update_elem(fds_[kSettings].get(), &kOnlyKey, &value, BPF_ANY)) {
    throw kernel_error(error, "write the settings");
  }
}

counters Maps::read_counters() const {
  constexpr std::size_t kFields = sizeof(counters) / sizeof(__u64);
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) throw kernel_error(cpus, "count CPUs");

  std::vector<std::array<__u64, kFields>> per_cpu(static_cast<std::size_t>(cpus));
  if (const int error = bpf_map_lookup_elem(fds_[kCounters].get(), &kOnlyKey, per_cpu.data())) {
    throw kernel_error(error, "read the counters");
  }
  // The structure is nothing but __u64, so it adds up as an array.
  std::array<__u64, kFields> sum{};
  for (const auto& cpu : per_cpu) {
    for (std::size_t i = 0; i < kFields; i++) sum[i] += cpu[i];
  }
  counters result{};
  static_assert(sizeof(result) == sizeof(sum));
  std::memcpy(&result, sum.data(), sizeof(result));
  return result;
}

std::uint32_t Maps::ring_bytes() const { return info_of(ring_fd()).max_entries; }

}  // namespace ctga
