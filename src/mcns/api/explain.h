// One question taken through everything that a packet goes through, with each decision told.
#pragma once

#include "dsl/rpc/call.h"
#include "mcns/api/services.h"
#include "mcns/v1/admin.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

// The answer is made by the workers' own code, so it is what a client would get now; an upstream is
// asked when they would ask it. kInvalidArgument; kCancelled when the caller goes meanwhile.
dsl::Result<pb::Explanation> explain(Services& services, const dsl::rpc::CallContext& call,
                                     const pb::ExplainRequest& request);

}  // namespace mcns::api
