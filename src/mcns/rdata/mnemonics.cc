#include "mcns/rdata/mnemonics.h"

#include <span>

#include "mcns/rdata/encodings.h"

namespace mcns {
namespace {

struct Mnemonic {
  std::uint16_t number;
  std::string_view name;
};

constexpr Mnemonic kAlgorithms[] = {
    {1, "RSAMD5"},
    {2, "DH"},
    {3, "DSA"},
    {5, "RSASHA1"},
    {6, "DSA-NSEC3-SHA1"},
    {7, "RSASHA1-NSEC3-SHA1"},
    {8, "RSASHA256"},
    {10, "RSASHA512"},
    {12, "ECC-GOST"},
    {13, "ECDSAP256SHA256"},
    {14, "ECDSAP384SHA384"},
    {15, "ED25519"},
    {16, "ED448"},
    {252, "INDIRECT"},
    {253, "PRIVATEDNS"},
    {254, "PRIVATEOID"},
};

constexpr Mnemonic kCertificateTypes[] = {
    {1, "PKIX"}, {2, "SPKI"},   {3, "PGP"},     {4, "IPKIX"}, {5, "ISPKI"},
    {6, "IPGP"}, {7, "ACPKIX"}, {8, "IACPKIX"}, {253, "URI"}, {254, "OID"},
};

std::optional<std::uint16_t> parse_mnemonic(std::span<const Mnemonic> table, std::string_view text,
                                            std::uint64_t max) {
  for (const Mnemonic& row : table) {
    if (equal_ignoring_case(row.name, text)) {
      return row.number;
    }
  }
  const auto number = parse_number(text, max);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

}  // namespace

std::optional<std::uint8_t> parse_algorithm(std::string_view text) {
  const auto number = parse_mnemonic(kAlgorithms, text, 255);
  return number ? std::optional(static_cast<std::uint8_t>(*number)) : std::nullopt;
}

std::optional<std::uint16_t> parse_certificate_type(std::string_view text) {
  return parse_mnemonic(kCertificateTypes, text, 65535);
}

std::string certificate_type_text(std::uint16_t type) {
  for (const Mnemonic& row : kCertificateTypes) {
    if (row.number == type) {
      return std::string(row.name);
    }
  }
  return std::to_string(type);
}

}  // namespace mcns
