// What may stand in a zone.
#pragma once

#include "mcns/writer/problems.h"
#include "mcns/writer/work.h"

namespace mcns::writer {

// A record by itself, in a zone with that origin. kInvalidArgument, or kConflict for a CNAME at the
// apex.
dsl::Result<void> check_record(const Name& origin, const Name& name, Type type, std::uint32_t ttl,
                               BytesView rdata);
// kInvalidArgument.
dsl::Result<void> check_ttl(std::string_view field, std::uint32_t ttl);
dsl::Result<void> check_value(Type type, BytesView rdata);
// Types that only a signer makes (RFC 4034 section 4, RFC 5155): they would be wrong after the next
// change.
bool is_made_by_signer(Type type);
// SOA fields and TTLs of a zone. kInvalidArgument.
dsl::Result<void> check_zone(const store::ZoneRow& zone);

// The zones as the write would leave them: what stands beside and below what. Each broken rule is a
// problem, kConflict with the record that is in the way.
dsl::Result<void> check_drafts(Work& work, Problems& problems);
// NS, MX and SRV that were added and lead to a CNAME of ours (RFC 2181 section 10.3): a warning, or
// with `strict` a problem.
dsl::Result<void> check_targets(Work& work, bool strict, Problems& problems);

}  // namespace mcns::writer
