// SPDX-License-Identifier: GPL-2.0-only
// Telling a service manager how things stand.
#pragma once

#include <string>

namespace ctga {

// As sd_notify(3): one datagram to $NOTIFY_SOCKET. False where that is not set or nobody listens.
bool notify_service(const std::string& state);

}  // namespace ctga
