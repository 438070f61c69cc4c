// Chain and key as OpenSSL holds them, between the files and a context.
#pragma once

#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"
#include "dsl/tls/openssl.h"
#include "dsl/tls/tls.h"

namespace dsl::tls {

struct LoadedPair {
  std::vector<Owned<X509>> chain;  // the leaf first
  Owned<EVP_PKEY> key;
};

Certificate describe(const X509& certificate);
// As parse_certificates.
Result<std::vector<Owned<X509>>> read_certificates(std::string_view pem);
// As check_pair.
Result<LoadedPair> read_pair(std::string_view cert_pem, std::string_view key_pem,
                             env::WallTime now);

}  // namespace dsl::tls
