// Reads any bytes as a seed file: what is taken is well formed and has an identity of its own.
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "mcns/rdata/rdata.h"
#include "mcns/seed/files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto zones = mcns::seed::read_toml("fuzz.toml", text);
  if (!zones) {
    MC_ASSERT(!zones.error().details().empty(), "every mistake has a place");
    return 0;
  }
  for (const mcns::seed::ZoneEntry& zone : *zones) {
    MC_ASSERT(!mcns::seed::hash_of_zone(zone.origin).empty(), "a zone is known by something");
    for (const mcns::seed::RecordEntry& record : zone.records) {
      MC_ASSERT(mcns::check_rdata(record.type, record.rdata).has_value(), "a value is well formed");
      (void)mcns::seed::hash_of(zone.origin, record);
      (void)mcns::seed::text(record);
    }
  }
  return 0;
}
