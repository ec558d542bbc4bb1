// SPDX-License-Identifier: Apache-2.0
// A UDP socket for JavaScript.
#pragma once

#include <napi.h>

namespace ctga::binding {

// openUdp(address, port): { port, start(onBatch), send(batch, length), close() }
Napi::Value open_udp(const Napi::CallbackInfo& info);

}  // namespace ctga::binding
