// SPDX-License-Identifier: Apache-2.0
// The XDP program, loaded from its object file.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/link_layer.hpp"
#include "core/maps.hpp"

namespace ctga {

// The result of one BPF_PROG_TEST_RUN.
struct TestRun {
  std::uint32_t verdict;             // what the program returned: XDP_PASS is 2
  std::uint32_t duration_ns;         // of one run, averaged over the repetitions
  std::vector<std::uint8_t> packet;  // as the program left it
};

enum class Hook {
  xdp,
  tc,
  cpu,  // XDP at the other end of a P4 switch's CPU port
};

// The name of the hook's program in the object file.
const char* name_of(Hook hook);

struct ProgramOptions {
  std::string object_path;
  Hook hook;
  std::uint32_t ring_bytes;   // a power of two and a multiple of the page size
  std::string pin_directory;  // maps pinned there are shared where they fit; empty: none is shared
  LinkLayer link;             // without Ethernet, only at TC
  bool parts_merged;          // at TC: tell apart datagrams that were merged into one packet
};

class Program {
 public:
  // Opens one of the object's programs. Throws Error{not_set_up, not_permitted, kernel}.
  explicit Program(const ProgramOptions& options);

  // Loads it, but pins nothing. Once, and before everything below but for shares() and
  // replaced_maps(). Throws Error{not_permitted, kernel}.
  void load();

  // Instead of load(): loads it into libxdp's dispatcher, where it runs from then on; see
  // join_dispatcher. After Joined::no, this Program can be neither loaded nor used.
  Joined join(std::uint32_t interface_index, bool native, std::string& refusal);

  int fd() const;
  Maps maps() const;

  // Pins all maps but those that are shared, and so pinned already.
  void pin_maps(const std::string& pin_directory) const;

  // Whether the program shares the pinned map of this name.
  bool shares(const std::string& map) const;

  std::uint32_t id_of_map(const std::string& map) const;

  // The names of pinned maps that did not fit. pin_maps replaces them.
  const std::vector<std::string>& replaced_maps() const { return replaced_; }

  // Runs the program on a packet, `repeat` times. At most `linear` bytes of the packet are in the
  // frame's linear part, and the rest in a second buffer, which takes XDP and Linux 6.18. 0: all of
  // them are linear.
  TestRun test_run(const std::vector<std::uint8_t>& packet, std::uint32_t repeat,
                   std::uint32_t linear) const;

 private:
  bool share_pinned(bpf_map* map, const std::string& path);

  std::unique_ptr<bpf_object, void (*)(bpf_object*)> object_;
  const char* name_;
  std::vector<std::string> shared_;
  std::vector<std::string> replaced_;
};

}  // namespace ctga
