// SPDX-License-Identifier: Apache-2.0
// Keeps what libbpf would print to stderr, with the verifier's log, for the error that follows.
#pragma once

#include <cstdarg>
#include <string>

namespace ctga {

// Adds a line, unless it is for debugging, to what is collected on this thread, if that is. Its
// levels are those of libbpf, and of libraries that follow it. Returns the line's length in bytes.
int keep_log_line(int level, const char* format, va_list arguments);

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
  friend int keep_log_line(int level, const char* format, va_list arguments);
  std::string text_;
};

}  // namespace ctga
