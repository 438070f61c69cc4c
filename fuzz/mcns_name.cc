// Any bytes as a name: compressed inside of a message, as it lies in a query, and as text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/wire/message.h"
#include "mcns/wire/query.h"

namespace {

void check_name(const mcns::Name& name) {
  MC_ASSERT(name.size() <= mcns::kNameMax && name.label_count() < mcns::kLabelsMax,
            "a name keeps to the limits");
  const auto again = mcns::Name::parse(name.text());
  MC_ASSERT(again.has_value() && again->wire() == name.wire(), "what is printed reads as it was");
  mcns::QueryName query;
  MC_ASSERT(mcns::read_query_name(name.wire(), query) == name.size(),
            "it is a name in a query too");
  MC_ASSERT(query.suffix_hash[query.labels] == mcns::suffix_hash(name.lower()),
            "the hash does not see the case");
}

}  // namespace

// The first two octets say where in the others the name begins.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t begin = (std::size_t{data[0]} << 8U) | data[1];
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);

  std::size_t offset = begin;
  if (const auto name = mcns::read_name(octets, offset)) {
    MC_ASSERT(offset > begin && offset <= octets.size(), "reading moves on, inside of the message");
    check_name(*name);
  }
  mcns::QueryName query;
  if (const std::size_t taken = mcns::read_query_name(octets, query); taken > 0) {
    const auto name = mcns::Name::from_wire(octets.substr(0, taken));
    MC_ASSERT(name.has_value(), "a name of a query is one");
    check_name(*name);
  }
  const mcns::Name origin = *mcns::Name::parse("example.org.");
  if (const auto name = mcns::Name::parse(octets, &origin)) {
    check_name(*name);
    const auto again = mcns::Name::parse(name->text_below(origin), &origin);
    MC_ASSERT(again.has_value() && *again == *name,
              "what is printed below an origin is read there");
  }
  return 0;
}
