// Values of the zones as messages of the API.
#pragma once

#include <optional>

#include "dsl/env/clock.h"
#include "mcns/store/records.h"
#include "mcns/v1/change.pb.h"
#include "mcns/v1/zone.pb.h"
#include "mcns/writer/writer.h"
#include "mcns/zone/zone.h"

namespace mcns::api {

namespace pb = mcns::v1;

std::int64_t to_ms(dsl::env::WallTime time);

pb::Record to_proto(const store::RecordRow& record, const Name& zone);
pb::Difference to_difference(const store::ChangeRow& change, const Name& zone);
pb::JournalEntry to_proto(const store::ChangeRow& change, const Name& zone);
// `loaded`: the zone as it is served, for its counts; nothing when it is not.
pb::Zone to_proto(const store::ZoneRow& row, const zone::Zone* loaded, dsl::env::WallTime now);
pb::Outcome to_proto(const Outcome& outcome, const Name& zone);

// How many numbers `serial` is beyond the last one of the day (YYYYMMDD99); 0 when it is not.
std::uint32_t serial_ahead(std::uint32_t serial, dsl::env::WallTime now);

}  // namespace mcns::api
