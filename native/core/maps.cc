// SPDX-License-Identifier: Apache-2.0
#include "core/maps.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/membarrier.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>

#include "core/bpffs.hpp"

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

void draw(void* secret, std::size_t size) {
  auto* bytes = static_cast<std::uint8_t*>(secret);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = getrandom(bytes + at, size - at, 0);
    if (got < 0 && errno != EINTR) throw kernel_error(errno, "draw keys");
    if (got > 0) at += static_cast<std::size_t>(got);
  }
}

// Waits until every packet has gone on that any CPU is judging now: this call waits for RCU. Where
// the kernel refuses it, such a packet may count as one of an unknown name.
void wait_for_packets() { syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0); }

// Refuses a name that the program cannot match, which it would silently never see: see xdp/name.h.
void check_name(const Name& name) {
  std::size_t at = 0;
  while (at < name.size() && name[at] != 0 && name[at] < 64) at += 1 + name[at];
  const bool whole = at + 1 == name.size() && name[at] == 0 && name.size() <= MAX_NAME_LENGTH;
  const auto begins_with = [&name](std::string_view label) {
    return name.size() > 1 + label.size() && name[0] == label.size() &&
           std::memcmp(&name[1], label.data(), label.size()) == 0;
  };
  const bool tree_head = begins_with("sth") || begins_with("checkpoint");
  const auto is_plain = [](std::uint8_t byte) {
    return byte != 0 && byte < 0x80 && (byte < 'A' || byte > 'Z');
  };
  if (!whole || !tree_head || !std::all_of(name.begin(), name.end() - 1, is_plain)) {
    throw Error(ErrorCode::bad_input, EINVAL,
                "a name of " + std::to_string(name.size()) +
                    " bytes that is not sth.* or checkpoint.* in wire format and lower case");
  }
}

std::uint64_t word_of(const Name& name, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, name.data() + at, std::min<std::size_t>(8, name.size() - at));
  return word;
}

// The same sum as that of add_name_word in xdp/name.h.
std::uint64_t sum_of(const Name& name, const keys& key) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < name.size(); at += 8) {
    sum += nh_word(fold_name_word(word_of(name, at)), key.name[at / 8]);
  }
  return sum;
}

// What (word | mask) == text compares: letters in any case, and nothing of what follows the name.
name_text text_of(const Name& name) {
  name_text text;
  std::memset(&text, 0xff, sizeof(text));
  for (std::size_t at = 0; at < name.size(); at++) {
    const std::uint8_t byte = name[at];
    const std::uint8_t mask = byte >= 'a' && byte <= 'z' ? 0x20 : 0;
    reinterpret_cast<std::uint8_t*>(&text.words[at / 8].mask)[at % 8] = mask;
    reinterpret_cast<std::uint8_t*>(&text.words[at / 8].text)[at % 8] = byte;
  }
  return text;
}

// Names that differ only in such bytes as fold_name_word makes equal, none of them letters, have the
// same sum under every key.
bool are_distinct(const std::set<Name>& names) {
  std::set<std::vector<std::uint64_t>> folded;
  for (const Name& name : names) {
    std::vector<std::uint64_t> words;
    for (std::size_t at = 0; at < name.size(); at += 8) {
      words.push_back(fold_name_word(word_of(name, at)));
    }
    if (!folded.insert(std::move(words)).second) return false;
  }
  return true;
}

// Fills the table; false if a bucket has no room for its names, two names have one sum, or one has 0.
bool fill(known_names& table, const std::set<Name>& names, const keys& key) {
  table = known_names{};
  std::uint32_t buckets = 1;
  while (buckets < 2 * names.size()) buckets *= 2;
  table.bucket_mask = buckets - 1;
  for (const Name& name : names) {
    const std::uint64_t sum = sum_of(name, key);
    auto& bucket = table.buckets[bucket_of_sum(sum) & table.bucket_mask];
    auto* const place =
        std::find_if(std::begin(bucket), std::end(bucket),
                     [&](const name_place& each) { return each.found == 0 || each.sum == sum; });
    if (sum == 0 || place == std::end(bucket) || place->found != 0) return false;
    *place = {sum, name.size() << 16 | table.count};
    table.texts[table.count++] = text_of(name);
    table.blocks = std::max<std::uint64_t>(table.blocks, (name.size() + 31) / 32);
  }
  return true;
}

}  // namespace

std::uint32_t ticks_per_second() {
  // The coarse clocks advance with each jiffy.
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0 || tick.tv_nsec <= 0) return 100;
  return static_cast<std::uint32_t>(1'000'000'000 / tick.tv_nsec);
}

Maps::Maps(std::array<FileDescriptor, 8> fds) : fds_(std::move(fds)) {}

void Maps::draw_keys() const {
  const auto force = read_only_value<in_force>(fds_[kInForce].get(), "generation in force");
  if (force.drawn == 0) set_known_names({});
}

std::optional<Maps> Maps::open_pinned(const std::string& directory) {
  struct Layout {
    bpf_map_type type;
    std::size_t key_size;
    std::size_t value_size;
    std::uint32_t entries;  // 0: any number
  };
  // What this version reads and writes, by map. From a map with larger values, or with one for each
  // CPU where we expect one, the kernel would write past our buffers.
  constexpr std::size_t key = sizeof(std::uint32_t);
  constexpr std::array<Layout, 8> layouts = {
      {{BPF_MAP_TYPE_ARRAY, key, sizeof(generation), GENERATIONS},
       {BPF_MAP_TYPE_ARRAY, key, sizeof(settings), 1},
       {BPF_MAP_TYPE_ARRAY, key, sizeof(ports), 1},
       {BPF_MAP_TYPE_ARRAY, key, sizeof(in_force), 1},
       {BPF_MAP_TYPE_PERCPU_ARRAY, key, sizeof(counters), 1},
       {BPF_MAP_TYPE_PERCPU_ARRAY, key, sizeof(seen_answers), 1},
       {BPF_MAP_TYPE_RINGBUF, 0, 0, 0},
       {BPF_MAP_TYPE_RINGBUF, 0, 0, 0}}};
  std::array<FileDescriptor, 8> fds;
  for (std::size_t i = 0; i < kNames.size(); i++) {
    const std::string path = directory + "/" + kNames[i];
    fds[i] = open_pin(path);
    if (!fds[i]) return std::nullopt;
    const bpf_map_info info = info_of(fds[i].get());
    const Layout& layout = layouts[i];
    if (!is_map(fds[i].get()) || info.type != layout.type || info.key_size != layout.key_size ||
        info.value_size != layout.value_size ||
        (layout.entries != 0 && info.max_entries != layout.entries)) {
      throw Error(ErrorCode::kernel, EPROTO, path + " was made by another version of ctga");
    }
  }
  return Maps(std::move(fds));
}

void Maps::set_known_names(const std::vector<Name>& names) const {
  for (const Name& name : names) check_name(name);
  const std::set<Name> wanted(names.begin(), names.end());
  if (wanted.size() > MAX_KNOWN_NAMES) {
    throw Error(
        ErrorCode::bad_input, E2BIG,
        std::to_string(wanted.size()) + " names, of at most " + std::to_string(MAX_KNOWN_NAMES));
  }
  if (!are_distinct(wanted)) {
    throw Error(ErrorCode::bad_input, EINVAL, "two names that differ only in @[\\]^_ and `{|}~");
  }

  auto next = std::make_unique<generation>();
  do {
    draw(&next->keys, sizeof(next->keys));
  } while (!fill(next->names, wanted, next->keys));

  auto force = read_only_value<in_force>(fds_[kInForce].get(), "generation in force");
  if (force.drawn != 0) wait_for_packets();
  const auto number = static_cast<std::uint32_t>((force.drawn + 1) % GENERATIONS);
  if (const int error =
          bpf_map_update_elem(fds_[kGenerations].get(), &number, next.get(), BPF_ANY)) {
    throw kernel_error(error, "write the known names");
  }
  force.drawn++;
  write_only_value(fds_[kInForce].get(), force, "generation in force");
  explicit_bzero(next.get(), sizeof(*next));
}

std::size_t Maps::known_name_count() const {
  const auto force = read_only_value<in_force>(fds_[kInForce].get(), "generation in force");
  const auto number = static_cast<std::uint32_t>(force.drawn % GENERATIONS);
  auto present = std::make_unique<generation>();
  if (const int error = bpf_map_lookup_elem(fds_[kGenerations].get(), &number, present.get())) {
    throw kernel_error(error, "read the known names");
  }
  return present->names.count;
}

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
  for (const auto& cpu : read_per_cpu<decltype(sum)>(fds_[kVerdicts].get(), "counters")) {
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
