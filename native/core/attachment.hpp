// SPDX-License-Identifier: Apache-2.0
// The program on a network interface, held there by an XDP or a tcx link that is pinned with its
// maps, or by libxdp's dispatcher or a TC filter, where the program is pinned with them. So it goes on
// while the process that attached it crashes, restarts or is upgraded.
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
  tcx,      // at TC ingress by a tcx link, before all other programs there
  tc,       // at TC ingress by a clsact filter: before Linux 6.6
  unknown,  // the interface is in another network namespace, so we cannot ask
};

const char* to_string(Mode mode);

struct AttachOptions {
  std::string object_path;
  std::string interface;
  // True: this process reads the rings, so it takes the lock and writes the settings. False:
  // another process does all that, and this one only attaches the program again. Either way the
  // names and ports that match stay as they are: none at all in new maps.
  bool reader;
  bool at_cpu_port;  // a P4 switch's copies come in here: XDP or nothing
  // native or generic, or tc for either way of TC ingress. Absent: what runs there goes on as it
  // is; otherwise TC ingress without Ethernet or if `prefers_tc`, and else native and then TC
  // ingress.
  std::optional<Mode> mode;
  bool prefers_tc;
  std::string why;           // for what `mode` or `prefers_tc` say
  bool old_kernel;           // as on a kernel before 6.6, without tcx: for tests
  std::uint32_t ring_bytes;  // a power of two and a multiple of the page size
  settings initial_settings;
};

struct Attachment {
  Maps maps;
  std::optional<FileLock> lock;  // on the pin directory: a ring buffer has one reader
  Mode mode;
  std::uint32_t interface_index;
  std::string pin_directory;
  // What the interface was last known to be called where its pins were found; empty if there were
  // none.
  std::string former_name;
  std::string why;  // it is in this mode; empty if an earlier version that noted none chose it
  bool took_over;   // a program of ours was running and was replaced in place
  bool kept_seen;   // the cache of seen answers is an earlier program's, running or not
  // Pinned maps that did not fit and were made anew, or that this version does not know and
  // removed.
  std::vector<std::string> replaced_maps;
};

// Attaches the program, or takes over what an earlier process left pinned: then it shares the maps
// and replaces the program in place, so that no packet passes unseen. It never removes an XDP
// program that is not ours: it joins libxdp's dispatcher, and beside another one it attaches at TC,
// unless `mode` asks for XDP. Where libxdp is to be had, XDP is by its dispatcher. Where a tcx link
// can be, it takes the place of a filter, and of a tcx link that others have got before. In these
// cases packets pass two of our programs for a moment. Throws Error{no_such_interface, bad_input (the program cannot read
// its link layer, or not in that mode), foreign_xdp_program, busy, not_permitted, not_attached (a
// reader's maps are missing), kernel}. What was pinned before is then still pinned.
Attachment attach(const AttachOptions& options);

struct LinkState {
  // False if it is pinned, but the interface went away, or somebody removed the program from it, or
  // frames there do not begin as they did.
  bool attached;
  Mode mode;
  std::uint32_t interface_index;
  std::uint32_t program_id;
  bool at_cpu_port;  // the program is the one for a P4 switch's CPU port
  bool dispatched;   // by libxdp's dispatcher: then mode is native or generic, or unknown
  std::string why;   // as in Attachment
  // Of a program at TC ingress or in a dispatcher: those that see packets before it does and may keep
  // them from it, in words. At TC first the XDP program, if there is one, which ctga cannot overtake.
  std::vector<std::string> behind;
  bool overtaken;  // some of them are at TC ingress: attaching again puts ours first
};

struct PinnedPlane {
  std::string pin_directory;
  std::uint64_t network_namespace;  // its inode number; 0 if it is not known
  // The interface's present name, or the last that was noted.
  std::string interface;
  // It is in this network namespace, or was pinned by an earlier version and runs nowhere.
  bool is_here;
};

// All data planes that are pinned on this machine, alive or not.
std::vector<PinnedPlane> list_planes();

// The state of what is pinned in `pin_directory`; nothing if no link or program is.
std::optional<LinkState> link_state(const std::string& pin_directory);

// Detaches the program and removes every pin. A filter at TC ingress, and a program in a dispatcher,
// stay if the interface is in another network namespace. Throws Error{not_attached} if there is
// nothing to remove.
void detach(const std::string& pin_directory);

}  // namespace ctga
