// SPDX-License-Identifier: Apache-2.0
// Turns JavaScript values into C++ and back. A value of the wrong type is the caller's bug: the
// functions throw TypeError, which names the value by `what`.
#pragma once

#include <napi.h>

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "core/attachment.hpp"
#include "core/error.hpp"
#include "core/maps.hpp"
#include "core/program.hpp"

namespace ctga::binding {

std::string to_text(Napi::Value value, const char* what);
std::uint32_t to_uint32(Napi::Value value, const char* what);
std::vector<std::uint8_t> to_bytes(Napi::Value value, const char* what);
Napi::Object to_object(Napi::Value value, const char* what);
Napi::Function to_function(Napi::Value value, const char* what);

std::vector<Name> to_names(Napi::Value value);
settings to_settings(Napi::Value value);
std::vector<std::uint16_t> to_ports(Napi::Value value);
std::optional<Mode> to_mode(Napi::Value value);
Hook to_hook(Napi::Value value);

Napi::Object from_settings(Napi::Env env, const settings& value);
Napi::Object from_counters(Napi::Env env, const counters& value);
Napi::Object from_link_state(Napi::Env env, const LinkState& state);

// An Error with the properties `code`, `doing`, `errno` and `log`: NativeError in
// src/native/addon.ts.
Napi::Error from_error(Napi::Env env, const Error& error);

// Runs `work`, and turns what core throws into errors of JavaScript.
template <typename Work>
auto translate(Napi::Env env, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& error) {
    throw from_error(env, error);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, "out of memory");
  }
}

}  // namespace ctga::binding
