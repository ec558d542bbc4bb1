// SPDX-License-Identifier: Apache-2.0
#include "binding/data_plane_wrap.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "binding/convert.hpp"
#include "core/ring_reader.hpp"

namespace ctga::binding {
namespace {

// For how long a copy may wait if the rings stay below the wake-up threshold.
constexpr std::uint64_t kTailMilliseconds = 50;

// One constructor for each environment: the addon may be loaded in several workers at once.
struct EnvironmentData {
  Napi::FunctionReference constructor;
};

}  // namespace

void DataPlaneWrap::define(Napi::Env env) {
  const std::vector<Napi::ClassPropertyDescriptor<DataPlaneWrap>> methods = {
      InstanceMethod<&DataPlaneWrap::set_known_names>("setKnownNames"),
      InstanceMethod<&DataPlaneWrap::known_name_count>("knownNameCount"),
      InstanceMethod<&DataPlaneWrap::settings_of>("settings"),
      InstanceMethod<&DataPlaneWrap::set_settings>("setSettings"),
      InstanceMethod<&DataPlaneWrap::ports_of>("ports"),
      InstanceMethod<&DataPlaneWrap::set_ports>("setPorts"),
      InstanceMethod<&DataPlaneWrap::seen_of>("seen"),
      InstanceMethod<&DataPlaneWrap::counters_of>("counters"),
      InstanceMethod<&DataPlaneWrap::ring_bytes>("ringBytes"),
      InstanceMethod<&DataPlaneWrap::start>("start"),
      InstanceMethod<&DataPlaneWrap::stop>("stop"),
      InstanceMethod<&DataPlaneWrap::test_run>("testRun"),
      InstanceMethod<&DataPlaneWrap::close>("close"),
  };
  Napi::Function constructor = DefineClass(env, "DataPlane", methods);
  env.SetInstanceData(new EnvironmentData{Napi::Persistent(constructor)});
}

Napi::Object DataPlaneWrap::create(Napi::Env env, Resources resources) {
  const Napi::Object object = env.GetInstanceData<EnvironmentData>()->constructor.New({});
  Unwrap(object)->resources_.emplace(std::move(resources));
  return object;
}

DataPlaneWrap::DataPlaneWrap(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<DataPlaneWrap>(info) {}

// While a DataPlane reads, only the end of its environment destroys it: start() holds a reference.
DataPlaneWrap::~DataPlaneWrap() {
  if (poller_) poller_->close();
}

const Resources& DataPlaneWrap::resources(Napi::Env env) const {
  if (!resources_) throw Napi::Error::New(env, "this data plane was closed");
  return *resources_;
}

void DataPlaneWrap::set_known_names(const Napi::CallbackInfo& info) {
  const std::vector<Name> names = to_names(info[0]);
  translate(info.Env(), [&] { resources(info.Env()).maps.set_known_names(names); });
}

Napi::Value DataPlaneWrap::known_name_count(const Napi::CallbackInfo& info) {
  const auto count =
      translate(info.Env(), [&] { return resources(info.Env()).maps.known_name_count(); });
  return Napi::Number::New(info.Env(), static_cast<double>(count));
}

Napi::Value DataPlaneWrap::settings_of(const Napi::CallbackInfo& info) {
  const auto value =
      translate(info.Env(), [&] { return resources(info.Env()).maps.read_settings(); });
  return from_settings(info.Env(), value);
}

void DataPlaneWrap::set_settings(const Napi::CallbackInfo& info) {
  const settings value = to_settings(info[0]);
  translate(info.Env(), [&] { resources(info.Env()).maps.write_settings(value); });
}

Napi::Value DataPlaneWrap::ports_of(const Napi::CallbackInfo& info) {
  const auto ports = translate(info.Env(), [&] { return resources(info.Env()).maps.read_ports(); });
  auto array = Napi::Array::New(info.Env(), ports.size());
  for (std::uint32_t i = 0; i < ports.size(); i++) array.Set(i, ports[i]);
  return array;
}

void DataPlaneWrap::set_ports(const Napi::CallbackInfo& info) {
  const std::vector<std::uint16_t> ports = to_ports(info[0]);
  translate(info.Env(), [&] { resources(info.Env()).maps.write_ports(ports); });
}

// Pairs of an entry and its repeats.
Napi::Value DataPlaneWrap::seen_of(const Napi::CallbackInfo& info) {
  const auto entries =
      translate(info.Env(), [&] { return resources(info.Env()).maps.read_seen(); });
  auto pairs = Napi::BigUint64Array::New(info.Env(), entries.size() * 2);
  for (std::size_t i = 0; i < entries.size(); i++) {
    pairs[i * 2] = entries[i].entry;
    pairs[i * 2 + 1] = entries[i].repeats;
  }
  return pairs;
}

Napi::Value DataPlaneWrap::counters_of(const Napi::CallbackInfo& info) {
  const auto value =
      translate(info.Env(), [&] { return resources(info.Env()).maps.read_counters(); });
  return from_counters(info.Env(), value);
}

Napi::Value DataPlaneWrap::ring_bytes(const Napi::CallbackInfo& info) {
  const auto bytes = translate(info.Env(), [&] { return resources(info.Env()).maps.ring_bytes(); });
  return Napi::Number::New(info.Env(), bytes);
}

void DataPlaneWrap::start(const Napi::CallbackInfo& info) {
  const Napi::Function on_batch = to_function(info[0], "onBatch");
  if (poller_) throw Napi::Error::New(info.Env(), "this data plane is being read already");
  translate(info.Env(), [&] {
    const Maps& maps = resources(info.Env()).maps;
    poller_ = BatchPoller::open(on_batch,
                                std::make_shared<RingReader>(maps.ring_fd(Maps::kAnswerRing),
                                                             maps.ring_fd(Maps::kFragmentRing)),
                                kTailMilliseconds);
  });
  Ref();  // until stop_reading: JavaScript need not hold this object while packets arrive
}

void DataPlaneWrap::stop(const Napi::CallbackInfo& /*info*/) { stop_reading(true); }

void DataPlaneWrap::stop_reading(bool drain) {
  if (!poller_) return;
  const std::shared_ptr<BatchPoller> poller = std::exchange(poller_, nullptr);
  // At most what the rings can hold: while packets go on arriving, they may never be empty.
  if (drain) poller->drain(std::size_t{2} * resources_->maps.ring_bytes());
  poller->close();
  Unref();
}

Napi::Value DataPlaneWrap::test_run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<std::uint8_t> packet = to_bytes(info[0], "packet");
  const std::uint32_t repeat = to_uint32(info[1], "repeat");
  const std::uint32_t linear = to_uint32(info[2], "linear");
  if (!resources(env).program) {
    throw Napi::Error::New(env, "only a program that was loaded here can be run");
  }
  const TestRun run =
      translate(env, [&] { return resources_->program->test_run(packet, repeat, linear); });

  auto result = Napi::Object::New(env);
  result.Set("verdict", run.verdict);
  result.Set("durationNs", run.duration_ns);
  auto bytes = Napi::Uint8Array::New(env, run.packet.size());
  std::copy(run.packet.begin(), run.packet.end(), bytes.Data());
  result.Set("packet", bytes);
  return result;
}

void DataPlaneWrap::close(const Napi::CallbackInfo& /*info*/) {
  stop_reading(false);
  resources_.reset();
}

}  // namespace ctga::binding
