#include "mcns/seed/entries.h"

#include "dsl/hash/sha256.h"
#include "mcns/rdata/rdata.h"

namespace mcns::seed {
namespace {

// Half of SHA-256: nobody profits from two entries with one hash, and a large file has many.
constexpr std::size_t kHashDigits = 32;

std::string hash(const Bytes& what) { return dsl::sha256_hex(what).substr(0, kHashDigits); }

}  // namespace

std::string hash_of_zone(const Name& origin) { return hash("zone" + origin.lower()); }

std::string hash_of(const Name& origin, const RecordEntry& record) {
  // Names end with their root label, so nothing runs into the next.
  Bytes what = "record" + origin.lower() + record.name.lower();
  const auto type = static_cast<std::uint16_t>(record.type);
  what += static_cast<char>(type >> 8U);
  what += static_cast<char>(type & 0xffU);
  what += canonical_rdata(record.type, record.rdata);
  return hash(what);
}

std::string hash_of_file(std::string_view name, std::string_view sha256) {
  return hash(dsl::text("file{} {}", sha256, name));
}

std::string text(const RecordEntry& record) {
  return dsl::text("{} {} {}", record.name.text(), mcns::text(record.type),
                   rdata_text(record.type, record.rdata));
}

}  // namespace mcns::seed
