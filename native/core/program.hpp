// SPDX-License-Identifier: GPL-2.0-only
// The XDP program, loaded from its object file.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/maps.hpp"

namespace ctga {

// Of one BPF_PROG_TEST_RUN.
struct TestRun {
  std::uint32_t verdict;             // what the program returned: XDP_PASS is 2
  std::uint32_t duration_ns;         // average of the repetitions
  std::vector<std::uint8_t> packet;  // as the program left it
};

enum class Hook {
  xdp,
  tc,
  cpu,  // XDP at the other end of a P4 switch's CPU port
};

// Of the program in the object file.
const char* name_of(Hook hook);

struct ProgramOptions {
  std::string object_path;
  Hook hook;
  std::uint32_t ring_bytes;   // a power of two and a multiple of the page size
  std::string pin_directory;  // maps pinned there are shared where they fit; empty: none is shared
  bool old_kernel;            // load what a kernel before 5.18 would be given: for tests
};

class Program {
 public:
  // Loads one of the object's programs. Nothing is pinned here.
  explicit Program(const ProgramOptions& options);

  int fd() const;
  Maps maps() const;

  // Pins all maps but those that are shared already.
  void pin_maps(const std::string& pin_directory) const;

  // Whether a pinned map goes on to be used.
  bool shares(const std::string& map) const;

  // Names of pinned maps that did not fit and that pin_maps replaces.
  const std::vector<std::string>& replaced_maps() const { return replaced_; }

  // `linear` bytes of the packet, at most, are in the frame's linear part and the rest in a second
  // buffer: Linux 6.18 and XDP only. 0: all of them.
  TestRun test_run(const std::vector<std::uint8_t>& packet, std::uint32_t repeat, std::uint32_t linear) const;

 private:
  bool share_pinned(bpf_map* map, const std::string& path);

  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object_;
  const char* name_;
  std::vector<std::string> shared_;
  std::vector<std::string> replaced_;
};

}  // namespace ctga
