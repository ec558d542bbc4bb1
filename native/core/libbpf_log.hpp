// SPDX-License-Identifier: GPL-2.0-only
// Keeps what libbpf would print to stderr, verifier log included, for the error that follows.
#pragma once

#include <string>

namespace ctga {

// Collects libbpf's warnings on this thread for as long as it lives. Scopes do not nest.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;

  const std::string& text() const { return text_; }

 private:
  friend struct LibbpfLogSink;
  std::string text_;
};

}  // namespace ctga
