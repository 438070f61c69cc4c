#include "dsl/http/test_credentials.h"

#include "support/result_matchers.h"

namespace dsl::http::test {

TestCredentials::TestCredentials(const dsl::test::TempDir& dir) : dir_(dir) {
  dir_.write("ca.pem", ca_.pem());
  write_pair();
  server_ = dsl::test::require_ok(tls::ServerCredentials::open(
      env::system_env(),
      {.pairs = {{dir_.file("server.crt"), dir_.file("server.key")}}, .alpn = {"h2", "http/1.1"}}));
}

void TestCredentials::renew() {
  write_pair();
  // The watch may have been faster, and then nothing is new.
  (void)dsl::test::require_ok(server_->reload());
}

void TestCredentials::write_pair() {
  const dsl::test::IssuedPair pair =
      ca_.issue({.subject = "server.test", .names = {"server.test", "127.0.0.1"}});
  dir_.write("server.crt", pair.cert_pem);
  dir_.write("server.key", pair.key_pem);
  serial_ = pair.serial;
}

}  // namespace dsl::http::test
