// SPDX-License-Identifier: Apache-2.0
#include "binding/batch_poller.hpp"

#include <array>
#include <string>
#include <utility>

#include "binding/convert.hpp"

namespace ctga::binding {
namespace {

// Limits the time that a batch takes, between two turns of the event loop. Some 2,000 small
// records, or 250 datagrams.
constexpr std::size_t kBatchBytes = 1 << 20;

}  // namespace

std::shared_ptr<BatchPoller> BatchPoller::open(Napi::Function on_batch,
                                               std::shared_ptr<BatchSource> source,
                                               std::uint64_t timer_milliseconds) {
  std::shared_ptr<BatchPoller> poller(new BatchPoller(on_batch, std::move(source)));
  poller->listen(timer_milliseconds);
  return poller;
}

BatchPoller::BatchPoller(Napi::Function on_batch, std::shared_ptr<BatchSource> source)
    : env_(on_batch.Env()),
      on_batch_(Napi::Persistent(on_batch)),
      context_(std::make_unique<Napi::AsyncContext>(on_batch.Env(), "ctga:batch")),
      source_(std::move(source)),
      batch_(Napi::Persistent(Napi::ArrayBuffer::New(on_batch.Env(), kBatchBytes))) {}

void BatchPoller::listen(std::uint64_t timer_milliseconds) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) throw Napi::Error::New(env_, "no event loop");
  if (const int error = uv_poll_init(loop, &poll_, source_->poll_fd())) {
    throw Napi::Error::New(env_, std::string("wait for a descriptor: ") + uv_strerror(error));
  }
  uv_timer_init(loop, &timer_);
  poll_.data = timer_.data = this;
  open_handles_ = 2;
  self_ = shared_from_this();

  napi_add_async_cleanup_hook(env_, on_environment_end, this, &cleanup_hook_);
  uv_poll_start(&poll_, UV_READABLE, on_readable);
  if (timer_milliseconds > 0)
    uv_timer_start(&timer_, on_timer, timer_milliseconds, timer_milliseconds);
}

// `status` does not matter: whatever is wrong with the descriptor, reading from it fails too.
void BatchPoller::on_readable(uv_poll_t* handle, int /*status*/, int /*events*/) {
  static_cast<BatchPoller*>(handle->data)->deliver_batch();
}

void BatchPoller::on_timer(uv_timer_t* handle) {
  static_cast<BatchPoller*>(handle->data)->deliver_batch();
}

void BatchPoller::drain(std::size_t most) {
  std::size_t total = 0;
  for (std::size_t size = 1; total < most && size > 0; total += size) size = deliver_batch();
}

// Calls plain Node-API: while a worker is being terminated, every call fails, and none of that may
// become a C++ exception.
std::size_t BatchPoller::deliver_batch() {
  if (closing_ || delivering_) return 0;
  const std::shared_ptr<BatchPoller> alive = self_;  // on_batch may close this poller
  const Napi::HandleScope scope(env_);

  Napi::ArrayBuffer batch = batch_.Value();
  std::size_t size = 0;
  try {
    size = source_->read(static_cast<std::uint8_t*>(batch.Data()), batch.ByteLength());
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

void BatchPoller::close() {
  if (closing_) return;
  closing_ = true;
  on_batch_.Reset();
  batch_.Reset();
  uv_poll_stop(&poll_);
  const auto closed = [](uv_handle_t* handle) {
    static_cast<BatchPoller*>(handle->data)->handle_closed();
  };
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), closed);
}

void BatchPoller::handle_closed() {
  if (--open_handles_ > 0) return;
  // The source goes last: libuv needs its descriptor until the handle is closed.
  context_.reset();
  if (cleanup_hook_ != nullptr) {
    napi_remove_async_cleanup_hook(std::exchange(cleanup_hook_, nullptr));
  }
  self_.reset();
}

// handle_closed removes the hook, which tells the environment that it may end.
void BatchPoller::on_environment_end(napi_async_cleanup_hook_handle hook, void* self) {
  auto* poller = static_cast<BatchPoller*>(self);
  poller->cleanup_hook_ = hook;
  poller->close();
}

}  // namespace ctga::binding
