// A certificate authority that lives for one test.
//
//   const TestCa ca;
//   const IssuedPair pair = ca.issue({.names = {"rift", "127.0.0.1"}});
//   const tls::PairFiles files = ...{dir.write("cert", pair.cert_pem), dir.write("key", ...)};
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/env/clock.h"

struct evp_pkey_st;
struct x509_st;

namespace dsl::test {

struct IssuedPair {
  std::string cert_pem;  // the leaf, then the intermediates; without the root
  std::string key_pem;
  std::string serial;  // hex, lower case, as `dsl::tls::Certificate` has it
};

// 2020-01-01 to 2050-01-01: right by the real clock and by a ManualClock.
inline constexpr env::WallTime kTestCertificatesFrom{std::chrono::seconds(1577836800)};
inline constexpr env::WallTime kTestCertificatesUntil{std::chrono::seconds(2524608000)};

struct IssueOptions {
  std::string subject = "leaf";    // common name
  std::vector<std::string> names;  // subject alternative names; addresses are told by their form
  env::WallTime not_before = kTestCertificatesFrom;
  env::WallTime not_after = kTestCertificatesUntil;
  bool ed25519 = false;  // else P-256
};

// Keys are made anew for each authority and each leaf. A const one is thread-safe. A failure of the
// library ends the test binary.
class TestCa {
 public:
  explicit TestCa(const std::string& name = "Test CA");
  ~TestCa();
  TestCa(TestCa&&) noexcept;

  // An authority below this one; what it issues carries its certificate too.
  TestCa intermediate(const std::string& name) const;
  IssuedPair issue(const IssueOptions& options) const;
  // The certificate of this authority alone.
  std::string pem() const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };
  TestCa(std::unique_ptr<evp_pkey_st, Free> key, std::unique_ptr<x509_st, Free> certificate,
         std::string chain_pem);

  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> certificate_;
  std::string chain_pem_;  // what follows a leaf in its file
};

}  // namespace dsl::test
