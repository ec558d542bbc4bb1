// SPDX-License-Identifier: Apache-2.0
#include "binding/convert.hpp"

#include <netinet/in.h>

#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace ctga::binding {
namespace {

Napi::TypeError wrong_type(Napi::Env env, const char* what, const char* wanted) {
  return Napi::TypeError::New(env, std::string(what) + ": want " + wanted);
}

// The program counts no total: read apart from its parts, it could contradict them.
__u64 sum(const copy_counters& value) {
  return value.copied + value.sampled_out + value.over_budget + value.seen + value.ring_full;
}

// Packets that are not UDP, by their protocol, and the tunnels among them.
struct NotUdp {
  __u64 ip = 0;
  __u64 gre = 0;
  __u64 mpls = 0;
  __u64 ipsec = 0;
  __u64 others = 0;

  explicit NotUdp(const counters& value) {
    constexpr std::size_t kMplsInIp = 137;  // RFC 4023
    for (std::size_t protocol = 0; protocol < std::size(value.not_udp); protocol++) {
      __u64& kind = protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 ? ip
                    : protocol == IPPROTO_GRE                            ? gre
                    : protocol == kMplsInIp                              ? mpls
                    : protocol == IPPROTO_ESP || protocol == IPPROTO_AH  ? ipsec
                                                                         : others;
      kind += value.not_udp[protocol];
    }
  }
};

__u64 sum(const counters& value) {
  const __u64* const not_udp = value.not_udp;
  return value.not_ip + value.more_tags + value.mpls +
         std::accumulate(not_udp, not_udp + std::size(value.not_udp), __u64{0}) +
         value.other_port[0] + value.other_port[1] + value.malformed + value.not_tree_head +
         value.unknown_name + value.answers_too_large + value.fragments_too_large +
         sum(value.answers) + sum(value.fragments);
}

void set_copy_counters(Napi::Object& object, const std::string& kind, const copy_counters& value) {
  const Napi::Env env = object.Env();
  const auto set = [&](const std::string& suffix, __u64 count) {
    object.Set(kind + suffix, Napi::BigInt::New(env, static_cast<std::uint64_t>(count)));
  };
  set("", sum(value));
  set("Copied", value.copied);
  set("SampledOut", value.sampled_out);
  set("OverBudget", value.over_budget);
  set("Seen", value.seen);
  set("RingFull", value.ring_full);
}

constexpr double kWhole = 65535;

// A share from 0 to 1, in units of 1/kWhole.
std::uint16_t to_share(Napi::Value value, const char* what) {
  const double share = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(share >= 0) || share > 1) throw wrong_type(value.Env(), what, "a number from 0 to 1");
  return static_cast<std::uint16_t>(std::lround(share * kWhole));
}

// Rounded up, so that a time that is not zero does not become zero.
std::uint32_t to_ticks(std::uint32_t milliseconds) {
  return static_cast<std::uint32_t>((std::uint64_t{milliseconds} * ticks_per_second() + 999) /
                                    1000);
}

std::uint32_t from_ticks(const settings& value) {
  if (value.ticks_per_second == 0) return 0;
  return static_cast<std::uint32_t>(std::uint64_t{value.seen_ticks} * 1000 /
                                    value.ticks_per_second);
}

}  // namespace

std::string to_text(Napi::Value value, const char* what) {
  if (!value.IsString()) throw wrong_type(value.Env(), what, "a string");
  return value.As<Napi::String>();
}

std::uint32_t to_uint32(Napi::Value value, const char* what) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0) || number > std::numeric_limits<std::uint32_t>::max() ||
      number != std::floor(number)) {
    throw wrong_type(value.Env(), what, "an integer from 0 to 2^32 - 1");
  }
  return static_cast<std::uint32_t>(number);
}

std::vector<std::uint8_t> to_bytes(Napi::Value value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw wrong_type(value.Env(), what, "a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  return std::vector<std::uint8_t>(array.Data(), array.Data() + array.ByteLength());
}

Napi::Object to_object(Napi::Value value, const char* what) {
  if (!value.IsObject()) throw wrong_type(value.Env(), what, "an object");
  return value.As<Napi::Object>();
}

Napi::Function to_function(Napi::Value value, const char* what) {
  if (!value.IsFunction()) throw wrong_type(value.Env(), what, "a function");
  return value.As<Napi::Function>();
}

std::vector<Name> to_names(Napi::Value value) {
  if (!value.IsArray()) throw wrong_type(value.Env(), "names", "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<Name> names;
  names.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); i++) names.push_back(to_bytes(array[i], "names"));
  return names;
}

std::vector<std::uint16_t> to_ports(Napi::Value value) {
  if (!value.IsArray()) throw wrong_type(value.Env(), "ports", "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<std::uint16_t> ports;
  for (std::uint32_t i = 0; i < array.Length(); i++) {
    const std::uint32_t port = to_uint32(array[i], "ports");
    if (port > 65535) throw wrong_type(value.Env(), "ports", "numbers up to 65535");
    ports.push_back(static_cast<std::uint16_t>(port));
  }
  return ports;
}

settings to_settings(Napi::Value value) {
  const Napi::Object object = to_object(value, "settings");
  settings result{};
  result.fragment_threshold = to_uint32(object.Get("threshold"), "settings.threshold");
  result.every_nth = to_uint32(object.Get("everyNth"), "settings.everyNth");
  result.wakeup_bytes = to_uint32(object.Get("wakeupBytes"), "settings.wakeupBytes");
  result.ticks_per_second = ticks_per_second();
  result.seen_ticks =
      to_ticks(to_uint32(object.Get("seenMilliseconds"), "settings.seenMilliseconds"));
  result.answers_per_second =
      to_uint32(object.Get("answersPerSecond"), "settings.answersPerSecond");
  result.fragments_per_second =
      to_uint32(object.Get("fragmentsPerSecond"), "settings.fragmentsPerSecond");
  result.answers_share = to_share(object.Get("answersShare"), "settings.answersShare");
  result.fragments_share = to_share(object.Get("fragmentsShare"), "settings.fragmentsShare");
  return result;
}

std::optional<Mode> to_mode(Napi::Value value) {
  if (value.IsUndefined()) return std::nullopt;
  const std::string text = to_text(value, "mode");
  if (text == to_string(Mode::native)) return Mode::native;
  if (text == to_string(Mode::generic)) return Mode::generic;
  if (text == to_string(Mode::tc)) return Mode::tc;
  throw wrong_type(value.Env(), "mode", "'native', 'generic' or 'tc'");
}

Hook to_hook(Napi::Value value) {
  const std::string text = to_text(value, "hook");
  if (text == "xdp") return Hook::xdp;
  if (text == "tc") return Hook::tc;
  if (text == "cpu") return Hook::cpu;
  throw wrong_type(value.Env(), "hook", "'xdp', 'tc' or 'cpu'");
}

Napi::Object from_settings(Napi::Env env, const settings& value) {
  auto object = Napi::Object::New(env);
  object.Set("threshold", value.fragment_threshold);
  object.Set("everyNth", value.every_nth);
  object.Set("wakeupBytes", value.wakeup_bytes);
  object.Set("seenMilliseconds", from_ticks(value));
  object.Set("answersPerSecond", value.answers_per_second);
  object.Set("fragmentsPerSecond", value.fragments_per_second);
  object.Set("answersShare", value.answers_share / kWhole);
  object.Set("fragmentsShare", value.fragments_share / kWhole);
  return object;
}

// XdpCounters in src/native/addon.ts.
Napi::Object from_counters(Napi::Env env, const counters& value) {
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name, __u64 count) {
    object.Set(name, Napi::BigInt::New(env, static_cast<std::uint64_t>(count)));
  };
  const NotUdp not_udp(value);
  set("packets", sum(value));
  set("notIp", value.not_ip);
  set("encapsulatedTags", value.more_tags);
  set("encapsulatedMpls", value.mpls + not_udp.mpls);
  set("encapsulatedIp", not_udp.ip);
  set("encapsulatedGre", not_udp.gre);
  set("encapsulatedUdp", value.other_port[1]);
  set("encapsulatedIpsec", not_udp.ipsec);
  set("notUdp", not_udp.others);
  set("otherPort", value.other_port[0]);
  set("malformed", value.malformed);
  set("notTreeHead", value.not_tree_head);
  set("unknownName", value.unknown_name);
  set("answersTooLarge", value.answers_too_large);
  set("fragmentsTooLarge", value.fragments_too_large);
  set_copy_counters(object, "answers", value.answers);
  set_copy_counters(object, "fragments", value.fragments);
  return object;
}

Napi::Object from_link_state(Napi::Env env, const LinkState& state) {
  auto object = Napi::Object::New(env);
  object.Set("attached", state.attached);
  object.Set("mode", to_string(state.mode));
  object.Set("interfaceIndex", state.interface_index);
  object.Set("programId", state.program_id);
  object.Set("atCpuPort", state.at_cpu_port);
  object.Set("dispatched", state.dispatched);
  object.Set("why", state.why);
  auto behind = Napi::Array::New(env, state.behind.size());
  for (std::uint32_t i = 0; i < state.behind.size(); i++) behind.Set(i, state.behind[i]);
  object.Set("behind", behind);
  object.Set("overtaken", state.overtaken);
  return object;
}

Napi::Error from_error(Napi::Env env, const Error& error) {
  Napi::Error result = Napi::Error::New(env, error.what());
  result.Set("code", Napi::String::New(env, to_string(error.ctga_code())));
  result.Set("doing", Napi::String::New(env, error.doing()));
  result.Set("errno", Napi::Number::New(env, error.code().value()));
  result.Set("log", Napi::String::New(env, error.log()));
  return result;
}

}  // namespace ctga::binding
