// SPDX-License-Identifier: Apache-2.0
#include "binding/udp.hpp"

#include <algorithm>
#include <memory>
#include <string>

#include "binding/batch_poller.hpp"
#include "binding/convert.hpp"
#include "core/udp_socket.hpp"

namespace ctga::binding {
namespace {

// Shared by the functions of one object. The poller keeps the socket, and itself, until it is closed.
struct Udp {
  std::shared_ptr<UdpSocket> socket;
  std::shared_ptr<BatchPoller> poller;
};

}  // namespace

Napi::Value open_udp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string address = to_text(info[0], "address");
  const std::uint32_t port = to_uint32(info[1], "port");
  auto udp = std::make_shared<Udp>();
  udp->socket = translate(
      env, [&] { return std::make_shared<UdpSocket>(address, static_cast<std::uint16_t>(port)); });

  auto object = Napi::Object::New(env);
  object.Set("port", udp->socket->port());
  object.Set("start", Napi::Function::New(env, [udp](const Napi::CallbackInfo& call) {
               const Napi::Function on_batch = to_function(call[0], "onBatch");
               if (udp->poller || !udp->socket) {
                 throw Napi::Error::New(call.Env(), "this socket is read already, or closed");
               }
               udp->poller = BatchPoller::open(on_batch, udp->socket);
             }));
  object.Set("send", Napi::Function::New(env, [udp](const Napi::CallbackInfo& call) {
               if (!call[0].IsTypedArray())
                 throw Napi::TypeError::New(call.Env(), "batch: want bytes");
               const auto batch = call[0].As<Napi::Uint8Array>();
               const std::size_t length = to_uint32(call[1], "length");
               if (udp->socket)
                 udp->socket->send(batch.Data(), std::min(length, batch.ByteLength()));
             }));
  object.Set("close", Napi::Function::New(env, [udp](const Napi::CallbackInfo& /*call*/) {
               if (udp->poller) udp->poller->close();
               if (udp->socket) udp->socket->close();
               udp->poller.reset();
               udp->socket.reset();
             }));
  return object;
}

}  // namespace ctga::binding
