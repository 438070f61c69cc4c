// The PROXY protocol, versions 1 and 2: how a proxy in front tells who the client is.
// https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/env/socket_address.h"

namespace dsl::net {

struct ProxyHeader {
  std::size_t size = 0;  // bytes of the header; what follows is the client's
  // False: the proxy speaks for itself (a health check), or does not know; no addresses.
  bool proxied = false;
  env::SocketAddress source;  // the client
  env::SocketAddress destination;
};

// More than this is no header: version 1 ends within 107 bytes, version 2 may carry extensions.
constexpr std::size_t kProxyHeaderMax = 2048;

// Nothing when `bytes` is the beginning of a header that goes on. Reads nothing behind the header.
// kInvalidArgument when it is none.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

// `source` and `destination` are of one family.
std::string proxy_header_v1(const env::SocketAddress& source,
                            const env::SocketAddress& destination);
std::string proxy_header_v2(const env::SocketAddress& source,
                            const env::SocketAddress& destination);

}  // namespace dsl::net
