// SPDX-License-Identifier: GPL-2.0-only
// Takes copied packets out of the ring buffer, a batch at a time.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "core/file_descriptor.hpp"

namespace ctga {

class RingReader {
 public:
  // Keeps its own descriptor of the map. There must be one reader for one ring, in all processes together.
  explicit RingReader(int ring_fd);

  // Becomes readable when the program wakes us; level-triggered.
  int epoll_fd() const;

  // Replaces `batch` by what waits in the ring, up to about `most` bytes, and frees it there. Never
  // blocks. A record is a record_header and its captured bytes, padded to 8 bytes; timestamp_ns is turned
  // into CLOCK_REALTIME. Returns the number of records.
  std::size_t read(std::vector<std::uint8_t>& batch, std::size_t most);

 private:
  static int on_record(void* self, void* data, std::size_t length);
  void append(const void* data, std::size_t length);

  FileDescriptor ring_fd_;
  std::unique_ptr<ring_buffer, void (*)(ring_buffer*)> ring_;

  // Of the read() under way.
  std::vector<std::uint8_t>* batch_ = nullptr;
  std::size_t most_ = 0;
  std::size_t count_ = 0;
  std::uint64_t boot_to_real_ns_ = 0;
  std::exception_ptr failure_;
};

}  // namespace ctga
