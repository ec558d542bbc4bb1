// SPDX-License-Identifier: Apache-2.0
// Delivers what comes from a BatchSource (copied packets, datagrams) to JavaScript as libuv reports
// it, a batch at a time in one ArrayBuffer.
#pragma once

#include <napi.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/batch_source.hpp"

namespace ctga::binding {

// The descriptor of the source wakes it, and so does a timer, if it has one, for what the descriptor
// does not tell of. While nothing arrives, it costs that timer and nothing else. The event loop stays
// alive for as long as the poller is open.
//
// All of it runs on the thread of its JavaScript environment. uv_close is asynchronous, so the
// object keeps itself alive until libuv has closed both handles. An environment that ends (because
// a worker exits or is terminated) waits for that.
class BatchPoller : public std::enable_shared_from_this<BatchPoller> {
 public:
  // Calls `on_batch` with an ArrayBuffer, and with how many of its bytes BatchSource::read has
  // written. It is the same buffer each time, so a flood allocates nothing. Without
  // `timer_milliseconds` there is no timer.
  static std::shared_ptr<BatchPoller> open(Napi::Function on_batch,
                                           std::shared_ptr<BatchSource> source,
                                           std::uint64_t timer_milliseconds = 0);

  // Delivers what waits now, but ends once it has delivered `most` bytes. An exception
  // that on_batch throws becomes the process's 'uncaughtException', since no caller can catch it.
  void drain(std::size_t most);

  // After this nothing is delivered. It may be called twice, and from within on_batch.
  void close();

  BatchPoller(const BatchPoller&) = delete;
  BatchPoller& operator=(const BatchPoller&) = delete;

 private:
  BatchPoller(Napi::Function on_batch, std::shared_ptr<BatchSource> source);

  void listen(std::uint64_t timer_milliseconds);
  // Returns how many bytes it delivered.
  std::size_t deliver_batch();
  void handle_closed();

  static void on_readable(uv_poll_t* handle, int status, int events);
  static void on_timer(uv_timer_t* handle);
  static void on_environment_end(napi_async_cleanup_hook_handle hook, void* self);

  Napi::Env env_;
  Napi::FunctionReference on_batch_;
  std::unique_ptr<Napi::AsyncContext> context_;
  std::shared_ptr<BatchSource> source_;
  Napi::Reference<Napi::ArrayBuffer> batch_;

  uv_poll_t poll_{};
  uv_timer_t timer_{};
  int open_handles_ = 0;
  bool closing_ = false;
  bool delivering_ = false;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  std::shared_ptr<BatchPoller> self_;  // while libuv holds our handles
};

}  // namespace ctga::binding
