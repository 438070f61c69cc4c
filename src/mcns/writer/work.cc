#include "mcns/writer/work.h"

namespace mcns::writer {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Draft& Work::draft(const store::ZoneRow& zone) {
  for (const auto& draft : drafts) {
    if (draft->zone.origin == zone.origin) {
      return *draft;
    }
  }
  return *drafts.emplace_back(std::make_unique<Draft>(zone, Draft::Kind::kChanged));
}

Result<Draft*> Work::begin(const Name& origin, std::optional<std::uint32_t> if_serial) {
  const store::ZoneRow* zone = zones.find(origin);
  if (zone == nullptr) {
    const std::string nearest = zones.nearest(origin);
    return fail(Code::kNotFound, "there is no zone {}", origin.text())
        .hint(nearest.empty() ? "`mcns zone list` shows those that are here"
                              : dsl::text("did you mean {}?", nearest));
  }
  if (if_serial && *if_serial != zone->soa.serial) {
    return fail(Code::kFailedPrecondition, "{} is at serial {}, not at {}", zone->origin.text(),
                zone->soa.serial, *if_serial)
        .hint("somebody else changed it: read it again, then repeat the change");
  }
  return &draft(*zone);
}

Result<void> Work::may_touch(const store::RecordRow& record) const {
  if (author.may_touch_others || record.owner == author.account) {
    return {};
  }
  return fail(Code::kPermissionDenied, "{} belongs to {}", writer::text(record), record.owner)
      .hint("its owner or an administrator may change it");
}

}  // namespace mcns::writer
