// Random rdata of every type: what is printed reads as it was.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mcns/rdata/fields.h"
#include "rdata_fixture.h"

namespace mcns {
namespace {

using dsl::test::require_ok;

rc::Gen<std::size_t> below(std::size_t end) { return rc::gen::inRange<std::size_t>(0, end); }

Bytes random_octets(std::size_t min, std::size_t max) {
  const auto size = min + *below(max - min + 1);
  return *rc::gen::container<std::string>(size, rc::gen::arbitrary<char>());
}

Bytes random_string(std::size_t min) {
  const Bytes octets = random_octets(min, 12);
  return static_cast<char>(octets.size()) + octets;
}

Bytes random_name() {
  Bytes wire;
  for (auto labels = *below(4); labels > 0; --labels) {
    wire += random_string(1);
  }
  return wire + '\0';
}

Bytes random_types() {
  auto numbers = *rc::gen::container<std::set<std::uint16_t>>(rc::gen::arbitrary<std::uint16_t>());
  std::string text = ".";
  for (const std::uint16_t number : numbers) {
    text += " TYPE" + std::to_string(number);
  }
  return require_ok(rdata_from_text(Type::kNsec, text, Name())).substr(1);
}

Bytes random_location() {
  const auto size = [] {
    const auto digit = *below(10);
    return static_cast<char>((digit << 4U) | (digit == 0 ? 0 : *below(10)));
  };
  const auto angle = [](Bytes& out, std::size_t degrees) {
    put32(out, 0x80000000U - degrees * 3600000U + *below(degrees * 7200000U + 1));
  };
  Bytes out(1, '\0');
  out += {size(), size(), size()};
  angle(out, 90);
  angle(out, 180);
  put32(out, *rc::gen::arbitrary<std::uint32_t>());
  return out;
}

// Parameters without rules of their own, in order.
Bytes random_parameters() {
  Bytes out;
  std::size_t key = 8;
  for (auto count = *below(4); count > 0; --count) {
    key += 1 + *below(100);
    put16(out, key);
    const Bytes value = random_octets(0, 12);
    put16(out, value.size());
    out += value;
  }
  return out;
}

Bytes random_field(FieldKind kind) {
  switch (kind) {
    case FieldKind::kEnd:
      return "";
    case FieldKind::kNumber8:
    case FieldKind::kAlgorithm:
      return random_octets(1, 1);
    case FieldKind::kNumber16:
    case FieldKind::kType:
    case FieldKind::kCertificateType:
      return random_octets(2, 2);
    case FieldKind::kNumber32:
    case FieldKind::kPeriod:
    case FieldKind::kTime:
    case FieldKind::kIpv4:
      return random_octets(4, 4);
    case FieldKind::kIpv6:
      return random_octets(16, 16);
    case FieldKind::kName:
      return random_name();
    case FieldKind::kString:
    case FieldKind::kSalt:
      return random_string(0);
    case FieldKind::kTag:
      return "\x05iodef";
    case FieldKind::kHash:
      return random_string(1);
    case FieldKind::kStrings:
      return random_string(0) + (*below(2) == 0 ? "" : random_string(0));
    case FieldKind::kLongString:
      return random_octets(0, 300);
    case FieldKind::kLongStringSome:
    case FieldKind::kHex:
    case FieldKind::kBase64:
      return random_octets(1, 64);
    case FieldKind::kTypes:
      return random_types();
    case FieldKind::kLocation:
      return random_location();
    case FieldKind::kParameters:
      return random_parameters();
  }
  return "";
}

const std::vector<Type>& types() {
  static const std::vector<Type> known = [] {
    std::vector<Type> out;
    for (unsigned number = 0; number < 65536; ++number) {
      if (find_type_info(static_cast<Type>(number)) != nullptr) {
        out.push_back(static_cast<Type>(number));
      }
    }
    return out;
  }();
  return known;
}

TEST(TypeTable, HasEveryTypeThatStandsInAZone) { EXPECT_EQ(types().size(), 33U); }

TEST(TypeTable, ExamplesAreOfTheirType) {
  for (const Type type : types()) {
    const auto rdata = rdata_from_text(type, find_type_info(type)->example, Name());
    EXPECT_THAT(rdata, dsl::test::ok()) << text(type);
  }
}

RC_GTEST_PROP(RdataRoundTrip, WhatIsPrintedReadsAsItWas, ()) {
  const Type type = *rc::gen::elementOf(types());
  const Name origin = test::name("example.org.");
  Bytes rdata;
  for (const Field& field : find_type_info(type)->fields) {
    rdata += random_field(field.kind);
  }

  // Digests and protocols have rules; those that break them go the generic way.
  const std::string printed = rdata_text(type, rdata, &origin);
  RC_LOG() << text(type) << " " << printed;
  if (printed.starts_with("\\# ")) {
    RC_ASSERT(!check_rdata(type, rdata));
    const auto unknown = rdata_from_text(static_cast<Type>(65280), printed, origin);
    RC_ASSERT(unknown.has_value() && *unknown == rdata);
  } else {
    const auto read = rdata_from_text(type, printed, origin);
    RC_ASSERT(read.has_value());
    RC_ASSERT(hex(*read) == hex(rdata));
  }
}

RC_GTEST_PROP(RdataRoundTrip, CanonicalFormIsOfItsTypeAndStaysAsItIs, ()) {
  const Type type = *rc::gen::elementOf(types());
  Bytes rdata;
  for (const Field& field : find_type_info(type)->fields) {
    rdata += random_field(field.kind);
  }

  const Bytes once = canonical_rdata(type, rdata);

  RC_ASSERT(check_rdata(type, once).has_value() == check_rdata(type, rdata).has_value());
  RC_ASSERT(canonical_rdata(type, once) == once);
  RC_ASSERT(equal_ignoring_case(once, rdata));
}

RC_GTEST_PROP(RdataRoundTrip, AnyOctetsArePrintedAndReadAgain, ()) {
  const Type type = *rc::gen::elementOf(types());
  const Bytes rdata = *rc::gen::arbitrary<std::string>();

  const std::string printed = rdata_text(type, rdata);
  RC_LOG() << text(type) << " " << printed;
  if (check_rdata(type, rdata)) {
    const auto read = rdata_from_text(type, printed, Name());
    RC_ASSERT(read.has_value());
    RC_ASSERT(hex(*read) == hex(rdata));
  } else {
    RC_ASSERT(printed.starts_with("\\# "));
  }
}

}  // namespace
}  // namespace mcns
