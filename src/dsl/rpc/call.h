// What a handler knows about the call it serves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/clock.h"
#include "dsl/result/result.h"

namespace dsl::rpc {

// Who calls. `via` is logged: "local" for the unix socket, "mtls", "token", ...
struct Caller {
  std::string subject;             // "uid:850(mcp)", an account name
  std::vector<std::string> roles;  // "admin", ...
  std::string account_type;        // "local", "user", "system", "guest"
  std::string via;

  bool has_role(std::string_view role) const;
};

// How the connection arrived, before anyone is authenticated.
struct Peer {
  bool local = false;  // unix socket; the credentials below are the kernel's (SO_PEERCRED)
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
  std::string address;      // TCP: "127.0.0.1:50514"
  std::string client_name;  // subject of a verified client certificate, RFC 2253; empty = none
  std::string token;        // the bearer token, when one was sent; never logged
};

// Alive for the length of the call. Thread-safe.
class CallContext {
 public:
  virtual ~CallContext() = default;

  virtual const std::string& method() const = 0;      // "mcp.v1.AgentService.Deploy"
  virtual const std::string& request_id() const = 0;  // from metadata `x-request-id`, else made
  virtual const Caller& caller() const = 0;
  virtual const Peer& peer() const = 0;
  virtual env::WallTime now() const = 0;
  virtual env::MonoTime deadline() const = 0;
  // The client has gone, the deadline has passed, or the server stops.
  virtual bool cancelled() const = 0;
};

}  // namespace dsl::rpc
