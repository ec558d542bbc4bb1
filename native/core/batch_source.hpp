// SPDX-License-Identifier: Apache-2.0
// Where much arrives at once, to be read a batch at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ctga {

class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // Becomes readable when something has arrived; level-triggered.
  virtual int poll_fd() const = 0;

  // Moves what has arrived to `batch`, which holds `capacity` bytes, and returns how many bytes it
  // wrote. It never blocks. Throws Error.
  virtual std::size_t read(std::uint8_t* batch, std::size_t capacity) = 0;
};

}  // namespace ctga
