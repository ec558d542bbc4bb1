// SPDX-License-Identifier: Apache-2.0
#include "core/accounts.hpp"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "core/error.hpp"

namespace ctga {
namespace {

// Enough for most entries; a group of many members needs more.
constexpr std::size_t kFirstBuffer = 4096;
// An entry that does not fit is a mistake of whoever keeps it.
constexpr std::size_t kLargestBuffer = std::size_t{64} << 20;

// Calls getpwnam_r or getgrnam_r with a buffer that grows until the entry fits. The entry's strings
// lie in that buffer, so `take` gets what is needed of it.
template <typename Entry, typename Lookup, typename Take>
auto look_up(const char* kind, const std::string& name, Lookup lookup, Take take)
    -> std::optional<decltype(take(Entry{}))> {
  for (std::size_t size = kFirstBuffer;;) {
    std::vector<char> buffer(size);
    Entry entry{};
    Entry* found = nullptr;
    const int error = lookup(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return take(entry);
    // No error is POSIX's way to say that there is no such entry. The C library returns the other
    // two where a source of accounts is not installed, or has no file yet.
    if (error == 0 || error == ENOENT || error == ESRCH) return std::nullopt;
    if (error == EINTR) continue;
    if (error != ERANGE || size >= kLargestBuffer) {
      throw kernel_error(error, std::string("look up the ") + kind + " " + name);
    }
    size *= 2;
  }
}

}  // namespace

std::optional<Account> find_account(const std::string& name) {
  const auto ids = [](const passwd& entry) { return Account{entry.pw_uid, entry.pw_gid}; };
  return look_up<passwd>("account", name, getpwnam_r, ids);
}

std::optional<gid_t> find_group(const std::string& name) {
  const auto id = [](const group& entry) { return entry.gr_gid; };
  return look_up<group>("group", name, getgrnam_r, id);
}

}  // namespace ctga
