// Certificates of a test's own authority, as a server shows them.
#pragma once

#include <memory>
#include <string>

#include "dsl/tls/tls.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"

namespace dsl::http::test {

// For "server.test" and 127.0.0.1, with ALPN for h2 and http/1.1. The folder then has ca.pem, for
// clients to trust, server.crt and server.key. Confined to its test.
class TestCredentials {
 public:
  explicit TestCredentials(const dsl::test::TempDir& dir);

  // Puts another pair in their place; it is in use on return.
  void renew();
  const std::string& serial() const { return serial_; }  // of the pair in use
  std::shared_ptr<tls::ServerCredentials> server() const { return server_; }

 private:
  void write_pair();

  const dsl::test::TempDir& dir_;
  const dsl::test::TestCa ca_;
  std::string serial_;
  std::shared_ptr<tls::ServerCredentials> server_;
};

}  // namespace dsl::http::test
