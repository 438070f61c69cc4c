// Certificates made in memory, as a server shows them.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "dsl/tls/tls.h"

namespace dsl::http::test {

// Self-signed for "server.test" and 127.0.0.1, with ALPN for h2 and http/1.1; each `renew` makes
// another pair.
class TestCredentials final : public tls::ServerCredentials {
 public:
  // The certificate is written to `ca_path`, for clients to trust.
  explicit TestCredentials(std::string ca_path);

  void renew();
  std::string serial() const;  // hex, lower case, as the last pair has it

  tls::Context current() const override;
  Result<bool> reload() override { return false; }
  void on_change(std::function<void()>) override {}
  std::shared_ptr<const Pair> first_pair() const override { return nullptr; }
  Status status() const override { return {}; }

 private:
  const std::string ca_path_;
  mutable std::mutex mutex_;
  tls::Context context_;  // guarded by mutex_, as below
  long serial_ = 0x4d00;
};

}  // namespace dsl::http::test
