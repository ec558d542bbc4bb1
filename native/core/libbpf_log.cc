// SPDX-License-Identifier: Apache-2.0
#include "core/libbpf_log.hpp"

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace ctga {
namespace {

// A verifier log can have megabytes. Its end says what was wrong.
constexpr std::size_t kKeep = 64 * 1024;

thread_local LibbpfLog* current = nullptr;

}  // namespace

// Called from C frames, so it must not throw.
int keep_log_line(int level, const char* format, va_list arguments) {
  if (level >= LIBBPF_DEBUG || current == nullptr) return 0;
  char* line = nullptr;
  const int length = vasprintf(&line, format, arguments);
  if (length < 0) return 0;
  try {
    std::string& text = current->text_;
    text.append(line, static_cast<std::size_t>(length));
    if (text.size() > kKeep) text.erase(0, text.size() - kKeep);
  } catch (...) {
    // Out of memory: the error does without this line.
  }
  free(line);
  return length;
}

LibbpfLog::LibbpfLog() {
  static std::once_flag installed;
  std::call_once(installed, [] {
    libbpf_set_print([](libbpf_print_level level, const char* format, va_list arguments) {
      return keep_log_line(level, format, arguments);
    });
  });
  current = this;
}

LibbpfLog::~LibbpfLog() { current = nullptr; }

}  // namespace ctga
