// SPDX-License-Identifier: Apache-2.0
// The maps that the program and user space share: names, settings, counters, keys and the ring
// buffers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/file_descriptor.hpp"
#include "record.h"

namespace ctga {

// A DNS name in wire format (RFC 1035, Section 3.1).
using Name = std::vector<std::uint8_t>;

struct SeenEntry {
  std::uint64_t entry;  // SEEN_ENTRY in record.h
  std::uint32_t repeats;
};

// How many jiffies, which bpf_jiffies64 counts, this kernel has in a second.
std::uint32_t ticks_per_second();

class Maps {
 public:
  // The order of the maps, and their names in the program and in the pin directory.
  enum Index : std::size_t {
    kGenerations,
    kLimits,
    kPorts,
    kInForce,
    kVerdicts,
    kSeen,
    kAnswerRing,
    kFragmentRing
  };
  static constexpr std::array<const char*, 8> kNames = {"keyed_names", "limits",       "ports",
                                                        "in_force",    "verdicts",     "seen",
                                                        "answer_ring", "fragment_ring"};

  // `fds` are in the order of kNames.
  explicit Maps(std::array<FileDescriptor, 8> fds);

  // Draws the secret keys, for no names, if these maps have none yet. Comes before all other use of
  // new maps.
  void draw_keys() const;

  // The maps that are pinned in `directory`; nothing if any of them is missing. Throws
  // Error{kernel} if they do not have this version's layout.
  static std::optional<Maps> open_pinned(const std::string& directory);

  // Replaces the set of names, and all keys. A name that stays is never missing meanwhile. Every
  // entry in the cache of seen answers ends: its answer is copied again when it next comes by.
  // Throws Error{bad_input} if a name is not sth.* or checkpoint.* in lower case, or is one of more than
  // MAX_KNOWN_NAMES.
  void set_known_names(const std::vector<Name>& names) const;
  std::size_t known_name_count() const;

  settings read_settings() const;
  void write_settings(const settings& value) const;

  std::vector<std::uint16_t> read_ports() const;
  void write_ports(const std::vector<std::uint16_t>& numbers) const;

  // The sums over all CPUs.
  counters read_counters() const;

  // Those entries in the caches of seen answers, of all CPUs, that had repeats.
  std::vector<SeenEntry> read_seen() const;

  int ring_fd(Index ring) const { return fds_[ring].get(); }
  // The size of each of the two rings.
  std::uint32_t ring_bytes() const;

 private:
  std::array<FileDescriptor, 8> fds_;
};

}  // namespace ctga
