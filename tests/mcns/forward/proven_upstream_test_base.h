// Upstreams that have to prove who they are, over TLS or HTTPS alike.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dsl/tls/tls.h"
#include "mcns/forward/fake_tls_upstream.h"
#include "mcns/forward/subject.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"

namespace mcns::test {

class ProvenUpstreamTest : public testing::Test {
 protected:
  // `alpn`: what its servers speak.
  explicit ProvenUpstreamTest(std::string alpn) : alpn_(std::move(alpn)) {
    subject_.env.use_real_files();
  }

  dsl::tls::Context server(const dsl::test::IssueOptions& options = {
                               .names = {"127.0.0.1", "dns.example.test"}}) {
    return server_that_speaks(alpn_, options);
  }
  dsl::tls::Context server_that_speaks(const std::string& alpn,
                                       const dsl::test::IssueOptions& options) {
    const dsl::test::IssuedPair pair = ca_.issue(options);
    credentials_ = dsl::test::require_ok(dsl::tls::ServerCredentials::open(
        subject_.env,
        {.pairs = {{folder_.write("cert", pair.cert_pem), folder_.write("key", pair.key_pem)}},
         .alpn = {alpn},
         .client_ca = ""}));
    return credentials_->current();
  }
  std::string ca() { return folder_.write("ca", ca_.pem()); }

  // Many questions at once are answered over its one connection.
  void expect_one_connection(const FakeTlsUpstream& upstream) {
    constexpr int kQuestions = 300;
    subject_.use_known({upstream.upstream(ca())});
    std::vector<std::future<ForwardAnswer>> answers;
    for (int i = 0; i < kQuestions; ++i) {
      answers.push_back(subject_.begin(dsl::text("www.{}.test.", i)));
    }
    for (auto& answer : answers) {
      EXPECT_EQ(answer.get().rcode, Rcode::kNoError);
    }
    EXPECT_EQ(upstream.questions(), kQuestions);
    EXPECT_EQ(upstream.connections(), 1);
  }

  const dsl::test::TestCa ca_;
  dsl::test::TempDir folder_;
  Subject subject_{patient()};
  std::unique_ptr<dsl::tls::ServerCredentials> credentials_;

 private:
  const std::string alpn_;
};

}  // namespace mcns::test
