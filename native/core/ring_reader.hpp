// SPDX-License-Identifier: Apache-2.0
// Takes copied packets out of the ring buffers, a batch at a time.
#pragma once

#include <bpf/libbpf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/batch_source.hpp"
#include "core/file_descriptor.hpp"
#include "record.h"

namespace ctga {

// Copies the record of `length` bytes at `data` to `to`, which has room for
// RingReader::kLargestRecord bytes, and returns how many bytes of it are taken, a multiple of 8. No
// length in the record is trusted: a record that does not hold the bytes that it claims is left
// out, which returns 0, and a place that is not in the frame is forgotten.
std::size_t copy_record(std::uint8_t* to, const void* data, std::size_t length,
                        std::uint64_t monotonic_to_real_ns);

class RingReader final : public BatchSource {
 public:
  // Duplicates the descriptors of the maps. A ring must not have a second reader, in any process.
  RingReader(int answer_ring_fd, int fragment_ring_fd);

  // Becomes readable when the program wakes the reader; level-triggered.
  int poll_fd() const override { return epoll_fd_.get(); }

  // Moves what waits in the rings to `batch`, which holds `capacity` bytes, and returns how many
  // bytes it wrote. It takes answers first, but leaves a quarter of the batch to fragments, so that
  // neither kind waits for the other to end. It never blocks. A record is a record_header, with
  // timestamp_ns turned into CLOCK_REALTIME, and its captured bytes, padded to 8 bytes. `capacity`
  // must be several times kLargestRecord.
  std::size_t read(std::uint8_t* batch, std::size_t capacity) override;

  static constexpr std::size_t kLargestRecord = sizeof(record_header) + RECORD_CAPACITY;

 private:
  struct Ring {
    FileDescriptor fd;
    std::unique_ptr<ring_buffer, void (*)(ring_buffer*)> buffer{nullptr, ring_buffer__free};
  };

  static int on_record(void* self, void* data, std::size_t length);
  void open(Ring& ring, int fd);
  void consume(const Ring& ring, std::size_t until);

  FileDescriptor epoll_fd_;
  std::array<Ring, 2> rings_;  // answers, fragments

  // These belong to the read() that is under way.
  std::uint8_t* batch_ = nullptr;
  std::size_t until_ = 0;
  std::size_t size_ = 0;
  std::uint64_t monotonic_to_real_ns_ = 0;
};

}  // namespace ctga
