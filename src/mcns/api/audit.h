// The record of changes: one log line for each, with who, from where, before and after. The changes
// of a zone are in its journal besides, each with its account.
#pragma once

#include <string>
#include <string_view>

#include "dsl/rpc/call.h"
#include "mcns/writer/writer.h"

namespace mcns::api {

// A change of a zone that was made; nothing for one that changed nothing.
void audit(const dsl::rpc::CallContext& call, const Name& zone, const Outcome& outcome);
// Any other: "grant 3", "forward example.net".
void audit(const dsl::rpc::CallContext& call, std::string_view what, std::string_view before,
           std::string_view after);
// A change that was refused for want of rights.
void audit_refusal(const dsl::rpc::CallContext& call, const dsl::Error& error);

// Where a caller is: an address, or "uid 0" of the local socket.
std::string place_of(const dsl::rpc::Peer& peer);

}  // namespace mcns::api
