// SPDX-License-Identifier: Apache-2.0
#include "binding/ring_poller.hpp"

#include <array>
#include <string>
#include <utility>

#include "binding/convert.hpp"

namespace ctga::binding {
namespace {

// Limits the time that a batch takes, between two turns of the event loop. Some 2,000 small
// records.
constexpr std::size_t kBatchBytes = 1 << 20;
// For how long a copy may wait if the rings stay below the wake-up threshold.
constexpr std::uint64_t kTailMilliseconds = 50;

}  // namespace

std::shared_ptr<RingPoller> RingPoller::open(Napi::Function on_batch,
                                             std::unique_ptr<RingReader> reader) {
  std::shared_ptr<RingPoller> poller(new RingPoller(on_batch, std::move(reader)));
  poller->listen();
  return poller;
}

RingPoller::RingPoller(Napi::Function on_batch, std::unique_ptr<RingReader> reader)
    : env_(on_batch.Env()),
      on_batch_(Napi::Persistent(on_batch)),
      context_(std::make_unique<Napi::AsyncContext>(on_batch.Env(), "ctga:ring")),
      reader_(std::move(reader)),
      batch_(Napi::Persistent(Napi::ArrayBuffer::New(on_batch.Env(), kBatchBytes))) {}

void RingPoller::listen() {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) throw Napi::Error::New(env_, "no event loop");
  if (const int error = uv_poll_init(loop, &poll_, reader_->epoll_fd())) {
    throw Napi::Error::New(env_, std::string("poll the ring buffer: ") + uv_strerror(error));
  }
  uv_timer_init(loop, &timer_);
  poll_.data = timer_.data = this;
  open_handles_ = 2;
  self_ = shared_from_this();

  napi_add_async_cleanup_hook(env_, on_environment_end, this, &cleanup_hook_);
  uv_poll_start(&poll_, UV_READABLE, on_readable);
  uv_timer_start(&timer_, on_timer, kTailMilliseconds, kTailMilliseconds);
}

// `status` does not matter: whatever is wrong with the descriptor, reading the rings fails too.
void RingPoller::on_readable(uv_poll_t* handle, int /*status*/, int /*events*/) {
  static_cast<RingPoller*>(handle->data)->deliver_batch();
}

void RingPoller::on_timer(uv_timer_t* handle) {
  static_cast<RingPoller*>(handle->data)->deliver_batch();
}

void RingPoller::drain(std::size_t most) {
  std::size_t total = 0;
  for (std::size_t size = 1; total < most && size > 0; total += size) size = deliver_batch();
}

// Calls plain Node-API: while a worker is being terminated, every call fails, and none of that may
// become a C++ exception.
std::size_t RingPoller::deliver_batch() {
  if (closing_ || delivering_) return 0;
  const std::shared_ptr<RingPoller> alive = self_;  // on_batch may close this poller
  const Napi::HandleScope scope(env_);

  Napi::ArrayBuffer batch = batch_.Value();
  std::size_t size = 0;
  try {
    size = reader_->read(static_cast<std::uint8_t*>(batch.Data()), batch.ByteLength());
  } catch (const Error& error) {
    close();
    napi_fatal_exception(env_, from_error(env_, error).Value());
    return 0;
  }
  if (size == 0) return 0;

  napi_value length = nullptr;
  if (napi_create_double(env_, static_cast<double>(size), &length) != napi_ok) return 0;
  const std::array<napi_value, 2> arguments = {batch, length};
  delivering_ = true;
  const napi_status status = napi_make_callback(env_, *context_, env_.Global(), on_batch_.Value(),
                                                arguments.size(), arguments.data(), nullptr);
  delivering_ = false;

  if (status == napi_pending_exception) {
    napi_value exception = nullptr;
    if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok) {
      napi_fatal_exception(env_, exception);
    }
  }
  return size;
}

void RingPoller::close() {
  if (closing_) return;
  closing_ = true;
  on_batch_.Reset();
  batch_.Reset();
  uv_poll_stop(&poll_);
  const auto closed = [](uv_handle_t* handle) {
    static_cast<RingPoller*>(handle->data)->handle_closed();
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), closed);
}

void RingPoller::handle_closed() {
  if (--open_handles_ > 0) return;
  // The reader is destroyed last: libuv needs its descriptor until the handle is closed.
  context_.reset();
  if (cleanup_hook_ != nullptr) {
    napi_remove_async_cleanup_hook(std::exchange(cleanup_hook_, nullptr));
  }
  self_.reset();
}

// handle_closed removes the hook, which tells the environment that it may end.
void RingPoller::on_environment_end(napi_async_cleanup_hook_handle hook, void* self) {
  auto* poller = static_cast<RingPoller*>(self);
  poller->cleanup_hook_ = hook;
  poller->close();
}

}  // namespace ctga::binding
