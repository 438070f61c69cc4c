// Any bytes as rdata of any type, in wire form and as text: what can be read must be the same after
// it was printed and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/rdata/fields.h"
#include "mcns/rdata/rdata.h"

namespace {

const mcns::Name& origin() {
  static const mcns::Name name = *mcns::Name::parse("example.org.");
  return name;
}

void check_wire(mcns::Type type, std::string_view rdata) {
  const std::string printed = mcns::rdata_text(type, rdata, &origin());
  if (!mcns::check_rdata(type, rdata)) {
    MC_ASSERT(printed.starts_with("\\# "), "what is not of its type is printed as octets");
    MC_ASSERT(mcns::names_inside(type, rdata).size() <= 2, "no type has more names");
    return;
  }
  const auto again = mcns::rdata_from_text(type, printed, origin());
  // Names below the origin take its case.
  MC_ASSERT(again.has_value() && again->size() == rdata.size(), "what is printed can be read");
  const auto absolute = mcns::rdata_from_text(type, mcns::rdata_text(type, rdata), mcns::Name());
  MC_ASSERT(absolute.has_value() && *absolute == rdata, "what is printed reads as it was");

  const mcns::Bytes canonical = mcns::canonical_rdata(type, rdata);
  MC_ASSERT(mcns::equal_ignoring_case(canonical, rdata), "the canonical form is about case");
  MC_ASSERT(mcns::check_rdata(type, canonical).has_value(), "it is of the type too");
  for (const mcns::NameInside& name : mcns::names_inside(type, rdata)) {
    MC_ASSERT(mcns::Name::from_wire(rdata.substr(name.offset, name.size)).has_value(),
              "names inside are names");
  }
  if (type == mcns::Type::kSoa) {
    const auto soa = mcns::Soa::parse(rdata);
    MC_ASSERT(soa.has_value() && soa->rdata() == rdata, "an SOA is written as it was read");
  }
}

}  // namespace

// The first two octets are the type.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const auto type = static_cast<mcns::Type>((data[0] << 8U) | data[1]);
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);
  (void)mcns::additional_target(type, octets);
  if (mcns::is_meta_type(type)) {
    return 0;
  }
  if (octets.size() <= 65535) {
    check_wire(type, octets);
  }
  if (const auto rdata = mcns::rdata_from_text(type, octets, origin())) {
    MC_ASSERT(mcns::check_rdata(type, *rdata).has_value(), "what was read is of its type");
    check_wire(type, *rdata);
  }
  return 0;
}
