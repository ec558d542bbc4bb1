// SPDX-License-Identifier: Apache-2.0
// Delivers copied packets to JavaScript as libuv reports them, a batch at a time in one
// ArrayBuffer.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/ring_reader.hpp"

namespace ctga::binding {

// The epoll descriptor of the rings wakes it, and a timer does for what stays below the wake-up
// threshold. While no packet arrives, it costs that timer and nothing else. The event loop stays
// alive for as long as the poller is open.
//
// All of it runs on the thread of its JavaScript environment. uv_close is asynchronous, so the
// object keeps itself alive until libuv has closed both handles. An environment that ends (because
// a worker exits or is terminated) waits for that.
class RingPoller : public std::enable_shared_from_this<RingPoller> {
 public:
  // Calls `on_batch` with an ArrayBuffer, and with how many of its bytes are records as
  // RingReader::read lays them out. It is the same buffer each time, so a flood allocates nothing.
  static std::shared_ptr<RingPoller> open(Napi::Function on_batch,
                                          std::unique_ptr<RingReader> reader);

  // Delivers what waits in the rings now, but ends once it has delivered `most` bytes. An exception
  // that on_batch throws becomes the process's 'uncaughtException', since no caller can catch it.
  void drain(std::size_t most);

  // After this nothing is delivered. It may be called twice, and from within on_batch.
  void close();

  RingPoller(const RingPoller&) = delete;
  RingPoller& operator=(const RingPoller&) = delete;

 private:
  RingPoller(Napi::Function on_batch, std::unique_ptr<RingReader> reader);

  void listen();
  // Returns how many bytes it delivered.
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
