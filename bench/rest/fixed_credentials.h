// One pair of PEM files, read once: what a bench needs of tls::ServerCredentials.
#pragma once

#include <memory>
#include <string>

#include "dsl/tls/tls.h"

namespace bench {

// Exits with a message when the pair cannot be used. TLS 1.3, ALPN h2 and http/1.1.
std::shared_ptr<dsl::tls::ServerCredentials> fixed_credentials(const std::string& cert,
                                                               const std::string& key);

}  // namespace bench
