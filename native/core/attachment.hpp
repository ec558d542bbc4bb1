// SPDX-License-Identifier: GPL-2.0-only The program on a network interface, so that it goes on
// while the process that attached it crashes, restarts or is upgraded: by an XDP link that is
// pinned with its maps, or by a TC filter, whose program is pinned with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/file_lock.hpp"
#include "core/maps.hpp"

namespace ctga {

enum class Mode {
  native,   // in the driver, before the kernel has a socket buffer
  generic,  // in the network stack: nearly every driver can
  tc,       // at TC ingress: where XDP is not possible, or is somebody else's
  unknown,  // the interface cannot be asked, as it is in another network namespace
};

const char* to_string(Mode mode);

struct AttachOptions {
  std::string object_path;
  std::string interface;
  std::string pin_directory;  // in the BPF file system, one per interface
  // Takes the lock, and sets settings and ports. Otherwise a reader has them, and this only
  // attaches again beside it.
  bool reader;
  bool at_cpu_port;           // what comes in are a P4 switch's copies: XDP or nothing
  std::optional<Mode> mode;   // any but unknown; absent: native, then generic, then tc
  std::uint32_t ring_bytes;   // a power of two and a multiple of the page size
  settings initial_settings;
  std::vector<std::uint16_t> ports;  // UDP source ports of answers
};

struct Attachment {
  Maps maps;
  std::optional<FileLock> lock;  // on the pin directory: one reader for one ring buffer
  Mode mode;
  std::uint32_t interface_index;
  std::string refusal;                     // why no better mode was possible; empty if it was, or was not tried
  bool took_over;                          // a running data plane was updated in place
  bool kept_seen;                          // the cache of seen answers is that of an earlier one, running or not
  std::vector<std::string> replaced_maps;  // pinned maps that did not fit, or are unknown: made anew, or removed
};

// Attaches, or takes over what an earlier process left pinned: its maps are shared and its program
// is replaced in place, so no packet passes unseen. A foreign XDP program stays: then it is TC,
// unless a mode was asked for. Throws Error{no_such_interface, foreign_xdp_program, busy,
// not_permitted, not_attached (no maps of the reader's), kernel}; what was there before is then
// still there.
Attachment attach(const AttachOptions& options);

struct LinkState {
  bool attached;  // false: pinned, but the interface went away or somebody removed the program from it
  Mode mode;
  std::uint32_t interface_index;
  std::uint32_t program_id;
  bool at_cpu_port;  // as it was attached
};

// Of an interface in this network namespace; nothing if there is none of that name.
std::optional<std::uint32_t> mtu_of(const std::string& interface);

// Of what is pinned in `pin_directory`; nothing if there is none.
std::optional<LinkState> link_state(const std::string& pin_directory);

// Detaches the program and removes every pin. Throws Error{not_attached} if there is nothing to
// remove.
void detach(const std::string& pin_directory);

}  // namespace ctga
