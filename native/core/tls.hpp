// SPDX-License-Identifier: Apache-2.0
// What Node's tls cannot be told about OpenSSL.
#pragma once

namespace ctga {

// Makes every TLS client of this process offer authentication after the handshake (RFC 8446,
// Section 4.2.6), as curl does, from the next context on. Nobody here has a certificate to show:
// it is for the extension in the ClientHello. False if this process has no OpenSSL that can.
bool offer_post_handshake_auth();

}  // namespace ctga
