// Any bytes as a zone file: what was read must be the same after it was written and read again, and
// what was written once is written the same again.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "mcns/zonefile/zonefile.h"

namespace {

std::vector<mcns::Record> read(std::string_view text, const mcns::Name& origin, bool& good) {
  mcns::ZonefileOptions options;
  options.origin = origin;
  options.default_ttl = 300;
  options.generate_max = 100;
  std::vector<mcns::Record> records;
  const auto outcome =
      mcns::read_zonefile(dsl::env::system_env(), "fuzz.zone", text, options,
                          [&records](mcns::Record record, int line) -> dsl::Result<void> {
                            MC_ASSERT(line > 0, "every record has a place");
                            records.push_back(std::move(record));
                            return {};
                          });
  good = outcome.has_value();
  MC_ASSERT(good || (!outcome.error().details().empty() && outcome.error().details().size() <= 100),
            "an error says where, and there is an end of them");
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const mcns::Name origin = *mcns::Name::parse("example.org.");

  bool good = false;
  const std::vector<mcns::Record> records = read(text, origin, good);

  const std::string written = mcns::write_zonefile(origin, 300, records);
  const std::vector<mcns::Record> again = read(written, origin, good);
  MC_ASSERT(good && again.size() == records.size(), "what is written can be read");
  MC_ASSERT(mcns::write_zonefile(origin, 300, again) == written, "and is written as it was");
  return 0;
}
