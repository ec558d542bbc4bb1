// SPDX-License-Identifier: GPL-2.0-only
// The maps that the XDP program and user space share: names, settings, counters and the ring buffer.
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

class Maps {
 public:
  // In this order everywhere; also their names in the program and in the pin directory.
  static constexpr std::array<const char*, 4> kNames = {"known_names", "settings", "counters", "ring"};
  static constexpr std::size_t kRing = 3;

  // `fds` as in kNames.
  explicit Maps(std::array<FileDescriptor, 4> fds) : fds_(std::move(fds)) {}

  // What is pinned in `directory`; nothing if any of them is missing. Throws Error{kernel} if they are not
  // of this version's layout.
  static std::optional<Maps> open_pinned(const std::string& directory);

  // Replaces the set of names, leaving those that stay in place throughout. Throws Error{bad_input} if a
  // name is not 1 .. MAX_NAME_LENGTH bytes or there are more than MAX_KNOWN_NAMES.
  void set_known_names(const std::vector<Name>& names) const;
  std::size_t known_name_count() const;

  settings read_settings() const;
  void write_settings(const settings& value) const;

  // Summed over all CPUs.
  counters read_counters() const;

  int ring_fd() const { return fds_[kRing].get(); }
  std::uint32_t ring_bytes() const;

 private:
  std::array<FileDescriptor, 4> fds_;
};

}  // namespace ctga
