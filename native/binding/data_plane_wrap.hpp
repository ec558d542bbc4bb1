// SPDX-License-Identifier: Apache-2.0
// The class DataPlane: the maps of one XDP program, with the program or the lock if there is one.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "binding/batch_poller.hpp"
#include "core/attachment.hpp"
#include "core/maps.hpp"
#include "core/program.hpp"

namespace ctga::binding {

// What a DataPlane holds: maps and program if it was loaded for tests, maps and lock if it was
// attached by a reader, and the maps alone if it was attached by another or opened from pins.
struct Resources {
  Maps maps;
  std::optional<Program> program;
  std::optional<FileLock> lock;
};

class DataPlaneWrap : public Napi::ObjectWrap<DataPlaneWrap> {
 public:
  static void define(Napi::Env env);
  static Napi::Object create(Napi::Env env, Resources resources);

  // Only define() and create() use this: JavaScript has no way to the constructor.
  explicit DataPlaneWrap(const Napi::CallbackInfo& info);
  ~DataPlaneWrap() override;

 private:
  void set_known_names(const Napi::CallbackInfo& info);
  Napi::Value known_name_count(const Napi::CallbackInfo& info);
  Napi::Value settings_of(const Napi::CallbackInfo& info);
  void set_settings(const Napi::CallbackInfo& info);
  Napi::Value ports_of(const Napi::CallbackInfo& info);
  void set_ports(const Napi::CallbackInfo& info);
  Napi::Value seen_of(const Napi::CallbackInfo& info);
  Napi::Value counters_of(const Napi::CallbackInfo& info);
  Napi::Value ring_bytes(const Napi::CallbackInfo& info);
  void start(const Napi::CallbackInfo& info);
  void stop(const Napi::CallbackInfo& info);
  Napi::Value test_run(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  const Resources& resources(Napi::Env env) const;
  void stop_reading(bool drain);

  std::optional<Resources> resources_;
  std::shared_ptr<BatchPoller> poller_;
};

}  // namespace ctga::binding
