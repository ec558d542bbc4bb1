// SPDX-License-Identifier: Apache-2.0
// The addon's exports. Their types are in src/native/addon.ts.
#include <napi.h>

#include <utility>
#include <vector>

#include "binding/convert.hpp"
#include "binding/data_plane_wrap.hpp"
#include "binding/udp.hpp"
#include "core/accounts.hpp"
#include "core/ask.hpp"
#include "core/attachment.hpp"
#include "core/device.hpp"
#include "core/pins.hpp"
#include "core/privileges.hpp"
#include "core/program.hpp"
#include "core/seccomp.hpp"
#include "core/service.hpp"
#include "core/tls.hpp"

namespace ctga::binding {
namespace {

// load({ objectPath, hook, partsMerged, ringBytes, settings }): a DataPlane that is attached nowhere,
// for testRun. Nothing matches until setPorts and setKnownNames are called.
Napi::Value load_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = to_object(info[0], "options");
  const ProgramOptions program_options{to_text(options.Get("objectPath"), "objectPath"),
                                       to_hook(options.Get("hook")),
                                       to_uint32(options.Get("ringBytes"), "ringBytes"),
                                       "",
                                       LinkLayer::ethernet,
                                       options.Get("partsMerged").ToBoolean()};
  const settings initial = to_settings(options.Get("settings"));
  Resources resources = translate(env, [&] {
    Program program(program_options);
    program.load();
    Maps maps = program.maps();
    maps.write_settings(initial);
    return Resources{std::move(maps), std::move(program), std::nullopt};
  });
  return DataPlaneWrap::create(env, std::move(resources));
}

// attach({ objectPath, interfaceName, reader, atCpuPort, mode?, prefersTc, why, oldKernel, ringBytes,
// settings }): { dataPlane, mode, interfaceIndex, pinDirectory, formerName, why, tookOver, keptSeen,
// replacedMaps }
Napi::Value attach_program(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object object = to_object(info[0], "options");
  AttachOptions options;
  options.object_path = to_text(object.Get("objectPath"), "objectPath");
  options.interface = to_text(object.Get("interfaceName"), "interfaceName");
  options.reader = object.Get("reader").ToBoolean();
  options.at_cpu_port = object.Get("atCpuPort").ToBoolean();
  options.mode = to_mode(object.Get("mode"));
  options.prefers_tc = object.Get("prefersTc").ToBoolean();
  options.why = to_text(object.Get("why"), "why");
  options.old_kernel = object.Get("oldKernel").ToBoolean();
  options.ring_bytes = to_uint32(object.Get("ringBytes"), "ringBytes");
  options.initial_settings = to_settings(object.Get("settings"));

  Attachment attachment = translate(env, [&] { return attach(options); });

  auto result = Napi::Object::New(env);
  result.Set("mode", to_string(attachment.mode));
  result.Set("interfaceIndex", attachment.interface_index);
  result.Set("pinDirectory", attachment.pin_directory);
  result.Set("formerName", attachment.former_name);
  result.Set("why", attachment.why);
  result.Set("tookOver", attachment.took_over);
  result.Set("keptSeen", attachment.kept_seen);
  auto replaced = Napi::Array::New(env);
  for (const std::string& name : attachment.replaced_maps) replaced.Set(replaced.Length(), name);
  result.Set("replacedMaps", replaced);
  result.Set("dataPlane",
             DataPlaneWrap::create(env, Resources{std::move(attachment.maps), std::nullopt,
                                                  std::move(attachment.lock)}));
  return result;
}

// openPinned(pinDirectory): DataPlane | undefined. It is for looking at: it holds no lock, so it
// must not read the rings.
Napi::Value open_pinned(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = to_text(info[0], "pinDirectory");
  auto maps = translate(env, [&] { return Maps::open_pinned(directory); });
  if (!maps) return env.Undefined();
  return DataPlaneWrap::create(env, Resources{std::move(*maps), std::nullopt, std::nullopt});
}

// pins(): { directory, networkNamespace, interfaceName, isHere }[]
Napi::Value list_pinned(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto planes = translate(env, [&] { return list_planes(); });
  auto list = Napi::Array::New(env, planes.size());
  for (std::uint32_t i = 0; i < planes.size(); i++) {
    auto each = Napi::Object::New(env);
    each.Set("directory", planes[i].pin_directory);
    each.Set("networkNamespace", static_cast<double>(planes[i].network_namespace));
    each.Set("interfaceName", planes[i].interface);
    each.Set("isHere", planes[i].is_here);
    list.Set(i, each);
  }
  return list;
}

// followName(pinDirectory): string
Napi::Value follow_interface(const Napi::CallbackInfo& info) {
  const std::string directory = to_text(info[0], "pinDirectory");
  return Napi::String::New(info.Env(),
                           translate(info.Env(), [&] { return follow_name(directory); }));
}

// linkState(pinDirectory): { attached, mode, interfaceIndex, programId, atCpuPort, dispatched, why,
// behind, overtaken } | undefined
Napi::Value get_link_state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = to_text(info[0], "pinDirectory");
  const auto state = translate(env, [&] { return link_state(directory); });
  return state ? Napi::Value(from_link_state(env, *state)) : env.Undefined();
}

// device(interfaceName): { mtu, kind, driver } | undefined
Napi::Value get_device(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto device = find_device(to_text(info[0], "interfaceName"));
  if (!device) return env.Undefined();
  auto object = Napi::Object::New(env);
  object.Set("mtu", device->mtu);
  object.Set("kind", device->kind);
  object.Set("driver", device->driver);
  return object;
}

// detach(pinDirectory)
void detach_program(const Napi::CallbackInfo& info) {
  const std::string directory = to_text(info[0], "pinDirectory");
  translate(info.Env(), [&] { detach(directory); });
}

// account(name): { uid, gid } | undefined
Napi::Value get_account(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = to_text(info[0], "name");
  const auto account = translate(env, [&] { return find_account(name); });
  if (!account) return env.Undefined();
  auto result = Napi::Object::New(env);
  result.Set("uid", account->uid);
  result.Set("gid", account->gid);
  return result;
}

// group(name): number | undefined
Napi::Value get_group(const Napi::CallbackInfo& info) {
  const std::string name = to_text(info[0], "name");
  const auto gid = translate(info.Env(), [&] { return find_group(name); });
  return gid ? Napi::Number::New(info.Env(), *gid) : info.Env().Undefined();
}

// becomeUser(uid, groups, programsMayGain)
void become_other_user(const Napi::CallbackInfo& info) {
  const std::uint32_t uid = to_uint32(info[0], "uid");
  const auto given = info[1].As<Napi::Array>();
  std::vector<gid_t> groups;
  for (std::uint32_t i = 0; i < given.Length(); ++i) {
    groups.push_back(to_uint32(given.Get(i), "groups"));
  }
  const bool programs_may_gain = info[2].ToBoolean();
  translate(info.Env(), [&] { become_user(uid, groups, programs_may_gain); });
}

// confine(withoutNetwork)
void confine_process(const Napi::CallbackInfo& info) {
  const bool without_network = info[0].ToBoolean();
  translate(info.Env(), [&] { confine(without_network); });
}

// notifyService(state): boolean
Napi::Value notify_manager(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), notify_service(to_text(info[0], "state")));
}

// ask(path, request, timeoutMs): { text, uid }
Napi::Value ask_process(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = to_text(info[0], "path");
  const auto request = to_bytes(info[1], "request");
  const auto timeout_ms = static_cast<int>(to_uint32(info[2], "timeoutMs"));
  constexpr std::size_t longest_answer = 64 << 10;
  const Answer answer =
      translate(env, [&] { return ask(path, request, timeout_ms, longest_answer); });
  auto result = Napi::Object::New(env);
  result.Set("text", answer.text);
  result.Set("uid", answer.uid);
  return result;
}

// offerPostHandshakeAuth(): boolean
Napi::Value offer_post_handshake_authentication(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), offer_post_handshake_auth());
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  DataPlaneWrap::define(env);
  exports.Set("load", Napi::Function::New<load_program>(env, "load"));
  exports.Set("attach", Napi::Function::New<attach_program>(env, "attach"));
  exports.Set("openPinned", Napi::Function::New<open_pinned>(env, "openPinned"));
  exports.Set("pins", Napi::Function::New<list_pinned>(env, "pins"));
  exports.Set("followName", Napi::Function::New<follow_interface>(env, "followName"));
  exports.Set("linkState", Napi::Function::New<get_link_state>(env, "linkState"));
  exports.Set("device", Napi::Function::New<get_device>(env, "device"));
  exports.Set("detach", Napi::Function::New<detach_program>(env, "detach"));
  exports.Set("notifyService", Napi::Function::New<notify_manager>(env, "notifyService"));
  exports.Set("ask", Napi::Function::New<ask_process>(env, "ask"));
  exports.Set("openUdp", Napi::Function::New<open_udp>(env, "openUdp"));
  exports.Set("account", Napi::Function::New<get_account>(env, "account"));
  exports.Set("group", Napi::Function::New<get_group>(env, "group"));
  exports.Set("becomeUser", Napi::Function::New<become_other_user>(env, "becomeUser"));
  exports.Set("confine", Napi::Function::New<confine_process>(env, "confine"));
  exports.Set("offerPostHandshakeAuth", Napi::Function::New<offer_post_handshake_authentication>(
                                            env, "offerPostHandshakeAuth"));
  return exports;
}

}  // namespace
}  // namespace ctga::binding

static Napi::Object InitCtga(Napi::Env env, Napi::Object exports) {
  return ctga::binding::initialise(env, exports);
}
NODE_API_MODULE(ctga, InitCtga)
