// Why a TLS handshake failed: gRPC says little more than that it did.
#pragma once

#include <string>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/rpc/client.h"

namespace dsl::rpc {

// The peer's address in gRPC's account of a connection that failed, "127.0.0.1:9444"; empty when
// there is none.
std::string failed_address(const std::string& message);

// `error`, what gRPC made of a call to `address`, when it is about a handshake: connects once more
// with OpenSSL, for two seconds at most, and says what the certificate is. Else `error` as it is.
Error explain_handshake(env::Env& env, const TlsOptions& options, const std::string& address,
                        Error error);

}  // namespace dsl::rpc
