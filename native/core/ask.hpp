// SPDX-License-Identifier: Apache-2.0
// Asking another process of this machine, and waiting for its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ctga {

struct Answer {
  // All that came before the other end closed, up to the limit.
  std::string text;
  // The account of the process that listens there.
  std::uint32_t uid;
};

// Connects to a stream socket of the file system, sends the request, says that this is its end, and
// reads the answer to its end. It takes `timeout_ms` at most. Throws Error: what the system says, or
// ETIMEDOUT; EMSGSIZE if the answer is longer than `limit`.
Answer ask(const std::string& path, const std::vector<std::uint8_t>& request, int timeout_ms,
           std::size_t limit);

}  // namespace ctga
