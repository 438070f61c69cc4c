// TLS 1.3 with a key and certificate that live as long as the process.
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace standin {

struct FreeTls {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* connection) const;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, FreeTls>;
using TlsConnection = std::unique_ptr<ssl_st, FreeTls>;

// A server context with a fresh self-signed P-256 certificate for `service`; picks h2 or
// http/1.1 by ALPN. Null when OpenSSL has no randomness or memory.
TlsContext make_tls(const std::string& service);

}  // namespace standin
