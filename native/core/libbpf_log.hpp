// SPDX-License-Identifier: Apache-2.0
// Keeps what libbpf would print to stderr, with the verifier's log, for the error that follows.
#pragma once

#include <string>

namespace ctga {

// Collects what libbpf says on this thread, debugging apart, for as long as the object lives. At
// most one lives on each thread.
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
