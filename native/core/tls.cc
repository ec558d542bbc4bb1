// SPDX-License-Identifier: Apache-2.0
#include "core/tls.hpp"

#include <dlfcn.h>

namespace ctga {
namespace {

// OpenSSL's own (openssl/crypto.h, openssl/ssl.h); the headers of Node's build need not be here.
using NewFunction = void(void* parent, void* pointer, void* data, int index, long argl, void* argp);
using GetNewIndex = int(int kind, long argl, void* argp, NewFunction* on_new, void* on_copy,
                        void* on_free);
using SetPostHandshakeAuth = void(void* context, int value);
constexpr int EX_INDEX_SSL_CTX = 1;

SetPostHandshakeAuth* set_post_handshake_auth;

// OpenSSL calls this for each new SSL_CTX, which is `parent` (CRYPTO_get_ex_new_index(3)).
void on_new_context(void* parent, void*, void*, int, long, void*) {
  set_post_handshake_auth(parent, 1);
}

}  // namespace

bool offer_post_handshake_auth() {
  static const bool offers = [] {
    const auto get_new_index =
        reinterpret_cast<GetNewIndex*>(dlsym(RTLD_DEFAULT, "CRYPTO_get_ex_new_index"));
    set_post_handshake_auth = reinterpret_cast<SetPostHandshakeAuth*>(
        dlsym(RTLD_DEFAULT, "SSL_CTX_set_post_handshake_auth"));
    return get_new_index != nullptr && set_post_handshake_auth != nullptr &&
           get_new_index(EX_INDEX_SSL_CTX, 0, nullptr, on_new_context, nullptr, nullptr) >= 0;
  }();
  return offers;
}

}  // namespace ctga
