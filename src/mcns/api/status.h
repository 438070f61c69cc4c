// Whether the service is well.
#pragma once

#include "mcns/api/services.h"
#include "mcns/v1/admin.pb.h"

namespace mcns::api {

namespace pb = mcns::v1;

pb::Status status_of(Services& services);
pb::CacheReport cache_report(const Cache& cache);
pb::ZoneStatus zone_status(const zone::Zone& zone, dsl::env::WallTime now);

}  // namespace mcns::api
