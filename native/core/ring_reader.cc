// SPDX-License-Identifier: GPL-2.0-only
#include "core/ring_reader.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/error.hpp"
#include "record.h"

namespace ctga {
namespace {

std::uint64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

constexpr std::size_t padded(std::size_t length) { return (length + 7) & ~std::size_t{7}; }

}  // namespace

RingReader::RingReader(int ring_fd)
    : ring_fd_(FileDescriptor::duplicate(ring_fd)),
      ring_(ring_buffer__new(ring_fd_.get(), on_record, this, nullptr), ring_buffer__free) {
  if (!ring_) throw kernel_error(errno, "map the ring buffer");
}

int RingReader::epoll_fd() const { return ring_buffer__epoll_fd(ring_.get()); }

std::size_t RingReader::read(std::vector<std::uint8_t>& batch, std::size_t most) {
  batch.clear();
  batch_ = &batch;
  most_ = most;
  count_ = 0;
  failure_ = nullptr;
  // Taken anew for each batch, so that a step of the wall clock is followed.
  boot_to_real_ns_ = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME);

  const int result = ring_buffer__consume(ring_.get());
  if (failure_) std::rethrow_exception(failure_);
  if (result < 0 && result != -E2BIG) throw kernel_error(result, "read the ring buffer");
  return count_;
}

// Called from libbpf's C frames, which no exception may cross. A negative result ends the reading behind
// this record, which is consumed already.
int RingReader::on_record(void* self, void* data, std::size_t length) {
  auto* reader = static_cast<RingReader*>(self);
  try {
    reader->append(data, length);
  } catch (...) {
    reader->failure_ = std::current_exception();
    return -ENOMEM;
  }
  return reader->batch_->size() >= reader->most_ ? -E2BIG : 0;
}

void RingReader::append(const void* data, std::size_t length) {
  record_header header{};
  if (length < sizeof(header)) return;
  std::memcpy(&header, data, sizeof(header));
  // The ring may hold what another version's program wrote: trust no length.
  if (header.captured_length > length - sizeof(header)) return;
  header.timestamp_ns += boot_to_real_ns_;

  const std::size_t at = batch_->size();
  const std::size_t size = sizeof(header) + header.captured_length;
  batch_->resize(at + padded(size));
  std::memcpy(batch_->data() + at, data, size);
  std::memcpy(batch_->data() + at, &header, sizeof(header));
  count_++;
}

}  // namespace ctga
