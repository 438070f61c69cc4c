// How a live container differs from what is recorded: field, want, have. Pure.
#pragma once

#include <vector>

#include "mcp/agent/registry.h"
#include "mcp/model/model.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

// The specification hash (of labelled containers), the image digest, and the settings that inspect
// tells (boot::compare_settings).
// `live_image_digest` is the digest of the image with id live.image_id; empty = not known.
std::vector<model::FieldDifference> drift(const ServiceRecord& record,
                                          const ComponentRecord& wanted,
                                          const runtime::Container& live,
                                          const std::string& live_image_digest);

// "127.0.0.1:28443->8443/tcp"
std::string port_text(const model::Port& port);
// "127.0.0.1:53/udp": nothing stands in between.
std::string socket_text(const model::Socket& socket);

}  // namespace mcp::agent
