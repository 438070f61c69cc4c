// A TLS connection inside the test: both ends of OpenSSL, no socket between.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "dsl/tls/tls.h"

namespace dsl::tls::test {

struct Wishes {
  std::string sni;                 // empty = none
  std::string verify_name;         // empty = the chain alone
  SSL_SESSION* session = nullptr;  // to resume; not taken over
};

// Confined to its test.
class Connection {
 public:
  Connection(const Context& server, const Context& client, const Wishes& wishes = {});
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Empty once the handshake is done, else what the library says.
  const std::string& error() const { return error_; }
  bool resumed() const;
  std::string version() const;
  std::string alpn() const;
  std::string shown_serial() const;    // of the certificate that the client saw
  std::string client_subject() const;  // as the server sees it; empty = none
  // A message from the client and one back; false when either is lost.
  bool echoes();
  // What the client may resume with; owned by the caller. Nothing when no ticket came.
  SSL_SESSION* ticket() const;

 private:
  SSL* server_;
  SSL* client_;
  std::string error_;
};

}  // namespace dsl::tls::test
