// SPDX-License-Identifier: Apache-2.0
#include "core/ring_reader.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/error.hpp"
#include "record.h"

namespace ctga {
namespace {

static_assert(sizeof(record_header) == RECORD_HEADER_SIZE);

std::uint64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

constexpr std::size_t padded(std::size_t length) { return (length + 7) & ~std::size_t{7}; }

}  // namespace

RingReader::RingReader(int answer_ring_fd, int fragment_ring_fd)
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_fd_) throw kernel_error(errno, "make an epoll descriptor");
  open(rings_[0], answer_ring_fd);
  open(rings_[1], fragment_ring_fd);
}

void RingReader::open(Ring& ring, int fd) {
  ring.fd = FileDescriptor::duplicate(fd);
  ring.buffer.reset(ring_buffer__new(ring.fd.get(), on_record, this, nullptr));
  if (!ring.buffer) throw kernel_error(errno, "map a ring buffer");
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, ring.fd.get(), &event) != 0) {
    throw kernel_error(errno, "wait for a ring buffer");
  }
}

std::size_t RingReader::read(std::uint8_t* batch, std::size_t capacity) {
  batch_ = batch;
  size_ = 0;
  // Measured for each batch, so that it follows when the wall clock is set.
  monotonic_to_real_ns_ = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
  // Reading ends with the record that passes the limit, so there must be room for one more.
  const std::size_t most = capacity - kLargestRecord;
  consume(rings_[0], most / 4 * 3);
  consume(rings_[1], most);
  return size_;
}

void RingReader::consume(const Ring& ring, std::size_t until) {
  until_ = until;
  const int result = ring_buffer__consume(ring.buffer.get());
  if (result < 0 && result != -E2BIG) throw kernel_error(result, "read a ring buffer");
}

// A negative result ends the reading; libbpf has consumed this record then.
int RingReader::on_record(void* self, void* data, std::size_t length) {
  auto* reader = static_cast<RingReader*>(self);
  reader->size_ +=
      copy_record(reader->batch_ + reader->size_, data, length, reader->monotonic_to_real_ns_);
  return reader->size_ >= reader->until_ ? -E2BIG : 0;
}

std::size_t copy_record(std::uint8_t* to, const void* data, std::size_t length,
                        std::uint64_t monotonic_to_real_ns) {
  record_header header{};
  if (length < sizeof(header)) return 0;
  std::memcpy(&header, data, sizeof(header));
  if (header.captured_length > length - sizeof(header) ||
      header.captured_length > RECORD_CAPACITY) {
    return 0;
  }
  const answer_place& answer = header.answer;
  if (answer.name_offset + answer.name_length > header.captured_length ||
      answer.rdata_offset + answer.rdata_length > header.captured_length) {
    header.answer = answer_place{};
  }
  header.timestamp_ns += monotonic_to_real_ns;

  std::memcpy(to, &header, sizeof(header));
  std::memcpy(to + sizeof(header), static_cast<const std::uint8_t*>(data) + sizeof(header),
              header.captured_length);
  return padded(sizeof(header) + header.captured_length);
}

}  // namespace ctga
