// SPDX-License-Identifier: Apache-2.0
// Where a data plane is pinned: in one directory for each interface, named for the interface's
// network namespace and its index there, which stay when the interface is renamed. Notes in the
// directory, as symbolic links, tell what the interface was called, which namespace it was (the
// kernel gives the inode number of a namespace that ended to a later one), what its frames began
// with, and why the program is where it is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/link_layer.hpp"

namespace ctga {

struct PinDirectory {
  std::string path;
  // The inode number of the network namespace (lsns -t net); 0 if an earlier version made the pins,
  // which named them for the interface alone.
  std::uint64_t network_namespace;
  std::uint32_t interface_index;  // in that namespace; 0 likewise
  std::string noted_name;         // what the interface was called when ctga last looked
  std::string interface;          // its present name if it is in this namespace, else the noted one
  bool is_here;                   // its network namespace is the one of this process
};

constexpr const char* kInterfaceNote = "interface";
constexpr const char* kNamespaceNote = "namespace";
constexpr const char* kLinkNote = "link-layer";
constexpr const char* kWhyNote = "why";  // the program is at its hook

// Makes the directory of all pins, mounting the BPF file system if need be. Nobody but its owner
// may list it, whatever the mount lets them list. Throws Error{kernel, not_permitted}, and refuses a
// directory that is neither root's nor this account's.
void ensure_pins_root();

// Where an interface of this network namespace is pinned, if it is.
std::string pins_of(std::uint32_t interface_index);

PinDirectory read_pin_directory(const std::string& path);

// All there are on this BPF file system, of every network namespace.
std::vector<PinDirectory> list_pin_directories();

// A note in a directory; empty if there is none.
std::string read_note(const std::string& path, const char* note);

// Replaces it; an empty text leaves it as it is.
void write_note(const std::string& path, const char* note, const std::string& text);

// Notes what the interface is called, that it is in this network namespace, and what its frames
// begin with.
void write_notes(const std::string& path, const std::string& interface, LinkLayer link);

// Whether frames on an interface of this network namespace begin with what was noted, or nothing
// was. The type of some interfaces may be changed: tun, wireless and bonds.
bool has_noted_link(const std::string& path, const std::string& interface);

// Notes the present name of an interface of this network namespace, if it is another than was
// noted. Returns the present name, or the noted one if the interface is gone.
std::string follow_name(const std::string& path);

}  // namespace ctga
