// The HTTP/2 of an upstream over HTTPS in the test's own process.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "dsl/net/stream.h"
#include "mcns/forward/fake_upstream.h"

namespace mcns::test {

// A request as it arrived.
struct HttpRequest {
  std::string method;
  std::string authority;
  std::string path;
  std::string type;
  Bytes body;
};

// Answers what comes on `stream`, whose handshake is done, until its client goes, `stopped`, or an
// answer says so. Of `Sent` the bytes, `then_close` and what is said of HTTP count.
void serve_http2(dsl::net::Stream& stream, const std::atomic<bool>& stopped,
                 const std::function<std::vector<Sent>(const HttpRequest&)>& handler);

}  // namespace mcns::test
