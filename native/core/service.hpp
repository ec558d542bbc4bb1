// SPDX-License-Identifier: Apache-2.0
// Telling a service manager how things stand.
#pragma once

#include <string>

namespace ctga {

// Sends one datagram to $NOTIFY_SOCKET, as sd_notify(3) does. Returns false if that is not set or
// nobody listens there.
bool notify_service(const std::string& state);

}  // namespace ctga
