// SPDX-License-Identifier: GPL-2.0-only Delivers copied packets to JavaScript as libuv reports
// them, a batch at a time in one ArrayBuffer.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/ring_reader.hpp"

namespace ctga::binding {

// Woken by the ring's epoll descriptor, and by a timer for the tail that stays below the wake-up
// threshold: idle, it costs that timer and nothing else. The loop stays alive for as long as it is
// open.
//
// All of it runs on the thread of its JavaScript environment. uv_close is asynchronous, so the
// object keeps itself alive until libuv has let go of both handles; an environment that ends (a
// worker's exit or termination) waits for that.
class RingPoller : public std::enable_shared_from_this<RingPoller> {
 public:
  // `on_batch` is called with an ArrayBuffer, and how many of its bytes are records as
  // RingReader::read lays them out. It is the same buffer each time, filled anew: a flood allocates
  // nothing.
  static std::shared_ptr<RingPoller> open(Napi::Function on_batch, std::unique_ptr<RingReader> reader);

  // Delivers what waits in the ring now, at most `most` bytes. Exceptions of on_batch are left to
  // the process's 'uncaughtException', as there is nobody to catch them.
  void drain(std::size_t most);

  // No delivery after this. Safe to call twice, and from within on_batch.
  void close();

  RingPoller(const RingPoller&) = delete;
  RingPoller& operator=(const RingPoller&) = delete;

 private:
  RingPoller(Napi::Function on_batch, std::unique_ptr<RingReader> reader);

  void listen();
  // Returns the number of bytes.
  std::size_t deliver_batch();
  void handle_closed();

  static void on_readable(uv_poll_t* handle, int status, int events);
  static void on_timer(uv_timer_t* handle);
  static void on_environment_end(napi_async_cleanup_hook_handle hook, void* self);

  Napi::Env env_;
  Napi::FunctionReference on_batch_;
  std::unique_ptr<Napi::AsyncContext> context_;
  std::unique_ptr<RingReader> reader_;
  Napi::Reference<Napi::ArrayBuffer> batch_;

  uv_poll_t poll_{};
  uv_timer_t timer_{};
  int open_handles_ = 0;
  bool closing_ = false;
  bool delivering_ = false;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  std::shared_ptr<RingPoller> self_;  // while libuv holds our handles
};

}  // namespace ctga::binding
