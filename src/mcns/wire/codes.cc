#include "mcns/wire/codes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "mcns/wire/name.h"

namespace mcns {
namespace {

struct Named {
  std::uint16_t number;
  std::string_view name;
};

constexpr std::array kTypes = std::to_array<Named>({
    {1, "A"},       {2, "NS"},       {5, "CNAME"},       {6, "SOA"},       {12, "PTR"},
    {13, "HINFO"},  {15, "MX"},      {16, "TXT"},        {17, "RP"},       {28, "AAAA"},
    {29, "LOC"},    {33, "SRV"},     {35, "NAPTR"},      {37, "CERT"},     {39, "DNAME"},
    {41, "OPT"},    {43, "DS"},      {44, "SSHFP"},      {46, "RRSIG"},    {47, "NSEC"},
    {48, "DNSKEY"}, {50, "NSEC3"},   {51, "NSEC3PARAM"}, {52, "TLSA"},     {53, "SMIMEA"},
    {59, "CDS"},    {60, "CDNSKEY"}, {61, "OPENPGPKEY"}, {63, "ZONEMD"},   {64, "SVCB"},
    {65, "HTTPS"},  {249, "TKEY"},   {250, "TSIG"},      {251, "IXFR"},    {252, "AXFR"},
    {255, "ANY"},   {256, "URI"},    {257, "CAA"},       {65401, "ALIAS"},
});

constexpr std::array kRcodes = std::to_array<Named>({
    {0, "NOERROR"},
    {1, "FORMERR"},
    {2, "SERVFAIL"},
    {3, "NXDOMAIN"},
    {4, "NOTIMP"},
    {5, "REFUSED"},
    {6, "YXDOMAIN"},
    {9, "NOTAUTH"},
    {10, "NOTZONE"},
    {16, "BADVERS"},
    {23, "BADCOOKIE"},
});

constexpr std::array kClasses = std::to_array<Named>({
    {1, "IN"},
    {3, "CH"},
    {254, "NONE"},
    {255, "ANY"},
});

// RFC 3597 section 5: "TYPE65280".
std::string name_of(std::span<const Named> table, std::uint16_t number, std::string_view prefix) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [number](const Named& row) { return row.number == number; });
  return found != table.end() ? std::string(found->name)
                              : std::string(prefix) + std::to_string(number);
}

std::optional<std::uint16_t> number_of(std::span<const Named> table, std::string_view text,
                                       std::string_view prefix) {
  const auto found = std::find_if(table.begin(), table.end(), [text](const Named& row) {
    return equal_ignoring_case(row.name, text);
  });
  if (found != table.end()) {
    return found->number;
  }
  std::uint16_t number = 0;
  if (text.size() <= prefix.size() || !equal_ignoring_case(text.substr(0, prefix.size()), prefix)) {
    return std::nullopt;
  }
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + prefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string text(Type type) { return name_of(kTypes, static_cast<std::uint16_t>(type), "TYPE"); }
std::string text(Rcode rcode) {
  return name_of(kRcodes, static_cast<std::uint16_t>(rcode), "RCODE");
}
std::string text(Class dns_class) {
  return name_of(kClasses, static_cast<std::uint16_t>(dns_class), "CLASS");
}

std::optional<Type> parse_type(std::string_view text) {
  const auto number = number_of(kTypes, text, "TYPE");
  return number ? std::optional(static_cast<Type>(*number)) : std::nullopt;
}

std::optional<Rcode> parse_rcode(std::string_view text) {
  const auto number = number_of(kRcodes, text, "RCODE");
  return number ? std::optional(static_cast<Rcode>(*number)) : std::nullopt;
}

}  // namespace mcns
