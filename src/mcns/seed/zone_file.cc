#include "dsl/env/path.h"
#include "mcns/rdata/rdata.h"
#include "mcns/seed/files.h"
#include "mcns/zonefile/zonefile.h"

namespace mcns::seed {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<std::vector<ZoneEntry>> read_zone(dsl::env::Env& env, const std::string& path,
                                         std::string_view content) {
  std::string stem = dsl::env::name_of(path);
  if (stem.ends_with(".zone")) {
    stem.resize(stem.size() - 5);
  }
  auto origin = Name::parse(stem);
  if (!origin) {
    return fail(std::move(origin).error())
        .context(path)
        .hint("a zone file is named after its zone: example.test.zone");
  }
  ZoneEntry zone{.origin = *std::move(origin)};
  const auto take = [&](Record record, int) -> Result<void> {
    if (record.type != Type::kSoa) {
      zone.records.push_back({.name = std::move(record.name),
                              .type = record.type,
                              .ttl = record.ttl,
                              .rdata = std::move(record.rdata)});
      return {};
    }
    if (zone.row) {
      return fail(Code::kInvalidArgument, "a second SOA");
    }
    zone.origin = record.name;
    zone.row = store::ZoneRow{.origin = record.name, .soa_ttl = record.ttl};
    MC_ASSIGN(zone.row->soa, Soa::parse(record.rdata));
    return {};
  };
  MC_TRY(read_zonefile(env, path, content,
                       {.origin = zone.origin, .include_dir = dsl::env::folder_of(path)}, take));
  return std::vector<ZoneEntry>{std::move(zone)};
}

}  // namespace mcns::seed
