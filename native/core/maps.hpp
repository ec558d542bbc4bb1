// SPDX-License-Identifier: GPL-2.0-only The maps that the program and user space share: names,
// settings, counters, keys and the ring buffers.
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

using Name = std::vector<std::uint8_t>;

struct SeenEntry {
  std::uint64_t entry;  // SEEN_ENTRY in record.h
  std::uint32_t repeats;
};

// Of bpf_jiffies64, which counts in the kernel's own unit of time.
std::uint32_t ticks_per_second();

class Maps {
 public:
  // In this order everywhere; also their names in the program and in the pin directory.
  enum Index : std::size_t { kNameHashes, kLimits, kPorts, kKeys, kReasons, kSeen, kAnswerRing, kFragmentRing };
  static constexpr std::array<const char*, 8> kNames = {"name_hashes", "limits", "ports",       "keys",
                                                        "reasons",     "seen",   "answer_ring", "fragment_ring"};

  // `fds` as in kNames.
  explicit Maps(std::array<FileDescriptor, 8> fds);

  // Draws the keys if these maps have none yet: before anything else is done with new maps.
  void draw_keys() const;

  // What is pinned in `directory`; nothing if any of them is missing. Throws Error{kernel} if they
  // are not of this version's layout.
  static std::optional<Maps> open_pinned(const std::string& directory);

  // Replaces the set of names, leaving those that stay in place throughout. Throws Error{bad_input}
  // if a name is not of the form sth.*, of at most MAX_LABELS labels, or there are more than
  // MAX_KNOWN_NAMES.
  void set_known_names(const std::vector<Name>& names) const;
  std::size_t known_name_count() const;

  settings read_settings() const;
  void write_settings(const settings& value) const;

  std::vector<std::uint16_t> read_ports() const;
  void write_ports(const std::vector<std::uint16_t>& numbers) const;

  // Summed over all CPUs.
  counters read_counters() const;

  // The entries in the cache of seen answers that had repeats, on all CPUs.
  std::vector<SeenEntry> read_seen() const;

  int ring_fd(Index ring) const { return fds_[ring].get(); }
  // Of either ring.
  std::uint32_t ring_bytes() const;

 private:
  std::array<FileDescriptor, 8> fds_;
};

}  // namespace ctga
