// Copies of the database for whoever wants to go back to one.
#pragma once

#include "dsl/rpc/call.h"
#include "mcns/api/services.h"
#include "mcns/v1/admin.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

// Copies the live database to backups/mcns-YYYYMMDDTHHMMSSZ.db, verified and durable, without
// holding up writers; then removes all but the newest `keep` of that folder. kPermissionDenied for
// a path of the caller's own, unless he is on this machine.
dsl::Result<pb::SnapshotReply> snapshot(Services& services, const dsl::rpc::CallContext& call,
                                        const pb::SnapshotRequest& request);

}  // namespace mcns::api
