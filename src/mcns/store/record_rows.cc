#include "mcns/store/record_rows.h"

#include "mcns/store/octets.h"

namespace mcns::store {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::db::Row;

Result<bool> RecordLabels::read(const Row& row, int name_column, int type_column) {
  std::string type = row.text(type_column);
  if (type != type_text_) {
    const auto parsed = parse_type(type);
    if (!parsed) {
      return damaged(row.text(name_column), type, "it has no type of DNS");
    }
    type_ = *parsed;
    type_text_ = std::move(type);
  }
  std::string name = row.text(name_column);
  if (name == name_text_) {
    return false;
  }
  auto parsed = Name::parse(name, &zone_.origin);
  if (!parsed) {
    return damaged(name, type_text_, parsed.error().message());
  }
  name_ = std::move(*parsed);
  name_text_ = std::move(name);
  return true;
}

dsl::Failure RecordLabels::damaged(std::string_view name, std::string_view type,
                                   std::string_view why) const {
  return fail(Code::kDataLoss, "the record {} {} of zone {}: {}", name, type, zone_.origin.text(),
              why)
      .hint("put back a snapshot of the database");
}

Result<RecordRow> record_from(const Row& row, const ZoneRow& zone, RecordLabels& labels) {
  MC_TRY(labels.read(row, 1, 2));
  RecordRow record{.id = row.integer(0),
                   .zone_id = zone.id,
                   .name = labels.name(),
                   .type = labels.type(),
                   .ttl = static_cast<std::uint32_t>(row.integer(3)),
                   .canonical = Bytes(octets(row.blob(4))),
                   .owner = row.text(6),
                   .created_at = row.time(8),
                   .updated_at = row.time(9)};
  record.rdata = row.is_null(5) ? record.canonical : Bytes(octets(row.blob(5)));
  if (!row.is_null(7)) {
    record.lease_expires_at = row.time(7);
  }
  return record;
}

}  // namespace mcns::store
