// SPDX-License-Identifier: Apache-2.0
// Accounts and groups by name, wherever this system keeps them: nsswitch.conf(5) says where.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace ctga {

struct Account {
  uid_t uid;
  gid_t gid;  // its primary group
};

// Each returns nothing if there is no such account or group, and throws Error if that cannot be
// found out, as when a directory service does not answer. They may wait for the network.
std::optional<Account> find_account(const std::string& name);
std::optional<gid_t> find_group(const std::string& name);

}  // namespace ctga
