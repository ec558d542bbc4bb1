// SPDX-License-Identifier: Apache-2.0
// Records as hostile as can be, through the code that copies them out of the ring buffers. The
// input is records one after another, each behind its length in two bytes. What is read and written
// lies in memory of exactly its size, so that AddressSanitizer sees a byte too many.
//
// `fuzz-records RUNS SEED` makes such inputs by chance. With clang, -fsanitize=fuzzer and
// -DCTGA_LIBFUZZER, libFuzzer makes them instead.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/ring_reader.hpp"

namespace {

constexpr std::size_t kLargest = ctga::RingReader::kLargestRecord;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz-records: %s\n", what);
  std::abort();
}

// How many bytes the record became.
std::size_t copy_one(const std::uint8_t* data, std::size_t length) {
  const std::unique_ptr<std::uint8_t[]> record(new std::uint8_t[length]);
  if (length > 0) std::memcpy(record.get(), data, length);
  const std::unique_ptr<std::uint8_t[]> batch(new std::uint8_t[kLargest]);
  const std::size_t size = ctga::copy_record(batch.get(), record.get(), length, 1);
  if (size == 0) return 0;

  record_header given{};
  record_header taken{};
  require(length >= sizeof(given), "a record without a header is taken");
  std::memcpy(&given, record.get(), sizeof(given));
  std::memcpy(&taken, batch.get(), sizeof(taken));
  const std::size_t end = sizeof(taken) + taken.captured_length;
  require(end <= length && end <= size && size <= kLargest && size % 8 == 0, "a wrong length");
  require(std::memcmp(batch.get() + sizeof(taken), record.get() + sizeof(given),
                      taken.captured_length) == 0,
          "other bytes");
  require(taken.timestamp_ns == given.timestamp_ns + 1, "another time");
  const answer_place& place = taken.answer;
  require(place.name_offset + place.name_length <= taken.captured_length &&
              place.rdata_offset + place.rdata_length <= taken.captured_length,
          "a place that is not in the frame");
  return size;
}

std::size_t copy_all(const std::uint8_t* data, std::size_t size) {
  std::size_t taken = 0;
  while (size >= 2) {
    const std::size_t claimed = data[0] | data[1] << 8;
    data += 2;
    size -= 2;
    const std::size_t length = claimed < size ? claimed : size;
    if (copy_one(data, length) != 0) taken++;
    data += length;
    size -= length;
  }
  return taken;
}

}  // namespace

#ifdef CTGA_LIBFUZZER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  copy_all(data, size);
  return 0;
}

#else

namespace {

// xorshift64
std::uint64_t next(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 8;
}

// At a limit, next to it, or anywhere.
std::uint16_t length_near(std::uint64_t& state, std::size_t limit) {
  const std::uint64_t where = next(state) % 8;
  if (where < 5) return static_cast<std::uint16_t>(limit + where - 2);
  return static_cast<std::uint16_t>(where < 7 ? next(state) % (limit + 1) : next(state));
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  const unsigned long runs = std::strtoul(words[1], nullptr, 10);
  std::uint64_t state = std::strtoull(words[2], nullptr, 10) * 2 + 1;
  std::array<std::uint8_t, 2 + 2 * kLargest> input{};
  std::size_t taken = 0;
  for (unsigned long run = 0; run < runs; run++) {
    const std::uint16_t length = length_near(state, next(state) % 2 == 0 ? kLargest : 512) %
                                 static_cast<std::uint16_t>(input.size() - 2);
    for (std::size_t at = 2; at < 2 + sizeof(record_header); at++) {
      input[at] = static_cast<std::uint8_t>(next(state));
    }
    record_header header{};
    std::memcpy(&header, &input[2], sizeof(header));
    header.captured_length = length_near(state, length < 48 ? 0 : length - 48);
    if (next(state) % 2 == 0) {
      const std::uint16_t captured = header.captured_length;
      header.answer.name_offset = length_near(state, captured);
      header.answer.name_length =
          length_near(state, static_cast<std::uint16_t>(captured - header.answer.name_offset));
      header.answer.rdata_offset = length_near(state, captured);
      header.answer.rdata_length =
          length_near(state, static_cast<std::uint16_t>(captured - header.answer.rdata_offset));
    }
    std::memcpy(&input[2], &header, sizeof(header));
    input[0] = static_cast<std::uint8_t>(length);
    input[1] = static_cast<std::uint8_t>(length >> 8);
    taken += copy_all(input.data(), std::size_t{2} + length);
  }
  std::printf("fuzz-records: %lu records, %zu of them taken\n", runs, taken);
  return taken > 0 && taken < runs ? 0 : 1;
}

#endif
