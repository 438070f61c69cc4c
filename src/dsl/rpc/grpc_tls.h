// TLS 1.3 for gRPC, and nothing older.
#pragma once

#include <memory>
#include <string>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "dsl/rpc/client.h"
#include "dsl/tls/tls.h"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace dsl::rpc {

// How TLS 1.2 is kept out
//
// gRPC 1.51 has no option for the oldest version. It takes a list of cipher suites from the
// environment when TLS is first used, and that list concerns TLS 1.2 alone. This module puts there,
// before main, a suite of pre-shared keys, which OpenSSL never chooses as nobody gives it such a
// key; a handshake of TLS 1.2 then has no suite. A privileged process (set-uid, or with file
// capabilities) reads no such variables, and is refused here.
//
// kFailedPrecondition when this process would speak TLS 1.2.
Result<void> require_tls13();

// For one listener: gRPC tells a change to the first that asks. What it shows at each handshake is
// what `credentials` has in use then; nothing is written to disk, and open connections go on.
std::shared_ptr<grpc::ServerCredentials> tls_server_credentials(
    std::shared_ptr<tls::ServerCredentials> credentials);

// Errors as for the files of `options`.
Result<std::shared_ptr<grpc::ChannelCredentials>> tls_channel_credentials(
    env::Env& env, const TlsOptions& options);

}  // namespace dsl::rpc
