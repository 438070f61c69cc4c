// The table of the types.
#include "mcns/rdata/fields.h"
#include "mcns/rdata/rules.h"

namespace mcns {
namespace {

using K = FieldKind;
using Fields = std::array<Field, kFieldsMax + 1>;

constexpr std::string_view kDsExample =
    "60485 13 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a";
constexpr std::string_view kTlsaExample =
    "3 1 1 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a";
constexpr std::string_view kDnskeyExample = "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=";

constexpr Fields kTarget = {{{K::kName, "target"}}};
constexpr Fields kDs = {{{K::kNumber16, "key tag"},
                         {K::kAlgorithm, "algorithm"},
                         {K::kNumber8, "digest type"},
                         {K::kHex, "digest"}}};
constexpr Fields kDnskey = {{{K::kNumber16, "flags"},
                             {K::kNumber8, "protocol"},
                             {K::kAlgorithm, "algorithm"},
                             {K::kBase64, "key"}}};
constexpr Fields kTlsa = {{{K::kNumber8, "usage"},
                           {K::kNumber8, "selector"},
                           {K::kNumber8, "matching type"},
                           {K::kHex, "certificate data"}}};
constexpr Fields kSvcb = {
    {{K::kNumber16, "priority"}, {K::kName, "target"}, {K::kParameters, "parameters"}}};

constexpr std::array kTypes = std::to_array<TypeInfo>({
    {.type = Type::kA, .example = "192.0.2.1", .fields = {{{K::kIpv4, "address"}}}},
    {.type = Type::kAaaa, .example = "2001:db8::1", .fields = {{{K::kIpv6, "address"}}}},
    {.type = Type::kNs,
     .example = "ns1.example.net.",
     .fields = kTarget,
     .names_compressible = true,
     .names_lower_case = true},
    {.type = Type::kCname,
     .example = "www.example.net.",
     .fields = kTarget,
     .names_compressible = true,
     .names_lower_case = true},
    {.type = Type::kPtr,
     .example = "host.example.net.",
     .fields = kTarget,
     .names_compressible = true,
     .names_lower_case = true},
    {.type = Type::kDname, .example = "example.net.", .fields = kTarget, .names_lower_case = true},
    {.type = Type::kSoa,
     .example = "ns1.example.net. hostmaster.example.net. 2024010101 1h 10m 1w 5m",
     .fields = {{{K::kName, "primary name server"},
                 {K::kName, "mail address"},
                 {K::kNumber32, "serial"},
                 {K::kPeriod, "refresh"},
                 {K::kPeriod, "retry"},
                 {K::kPeriod, "expire"},
                 {K::kPeriod, "minimum"}}},
     .names_compressible = true,
     .names_lower_case = true},
    {.type = Type::kMx,
     .example = "10 mail.example.net.",
     .fields = {{{K::kNumber16, "preference"}, {K::kName, "mail exchange"}}},
     .names_compressible = true,
     .names_lower_case = true},
    {.type = Type::kSrv,
     .example = "0 5 5060 sip.example.net.",
     .fields = {{{K::kNumber16, "priority"},
                 {K::kNumber16, "weight"},
                 {K::kNumber16, "port"},
                 {K::kName, "target"}}},
     .names_lower_case = true},
    {.type = Type::kNaptr,
     .example = "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.net.",
     .fields = {{{K::kNumber16, "order"},
                 {K::kNumber16, "preference"},
                 {K::kString, "flags"},
                 {K::kString, "services"},
                 {K::kString, "regular expression"},
                 {K::kName, "replacement"}}},
     .names_lower_case = true},
    {.type = Type::kRp,
     .example = "admin.example.net. people.example.net.",
     .fields = {{{K::kName, "mailbox"}, {K::kName, "name of texts"}}},
     .names_lower_case = true},
    {.type = Type::kSvcb,
     .example = "1 svc.example.net. alpn=h2,h3 port=8443",
     .fields = kSvcb,
     .check = check_svcb},
    {.type = Type::kHttps,
     .example = "1 . alpn=h2,h3 ipv4hint=192.0.2.1",
     .fields = kSvcb,
     .check = check_svcb},
    {.type = Type::kTxt, .example = "\"v=spf1 -all\"", .fields = {{{K::kStrings, "text"}}}},
    {.type = Type::kHinfo,
     .example = "\"x86_64\" \"Linux\"",
     .fields = {{{K::kString, "cpu"}, {K::kString, "system"}}}},
    {.type = Type::kCaa,
     .example = "0 issue \"ca.example.net\"",
     .fields = {{{K::kNumber8, "flags"}, {K::kTag, "tag"}, {K::kLongString, "value"}}}},
    {.type = Type::kUri,
     .example = "10 1 \"https://www.example.net/path\"",
     .fields =
         {{{K::kNumber16, "priority"}, {K::kNumber16, "weight"}, {K::kLongStringSome, "target"}}}},
    {.type = Type::kLoc,
     .example = "52 14 5.000 N 0 8 50.000 E 10m",
     .fields = {{{K::kLocation, "location"}}}},
    {.type = Type::kTlsa, .example = kTlsaExample, .fields = kTlsa, .check = check_tlsa},
    {.type = Type::kSmimea, .example = kTlsaExample, .fields = kTlsa, .check = check_tlsa},
    {.type = Type::kSshfp,
     .example = "4 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a",
     .fields = {{{K::kNumber8, "algorithm"}, {K::kNumber8, "type"}, {K::kHex, "fingerprint"}}},
     .check = check_sshfp},
    {.type = Type::kOpenpgpkey, .example = "mQCNAzIG", .fields = {{{K::kBase64, "key"}}}},
    {.type = Type::kCert,
     .example = "PKIX 12345 RSASHA256 MIIB",
     .fields = {{{K::kCertificateType, "certificate type"},
                 {K::kNumber16, "key tag"},
                 {K::kAlgorithm, "algorithm"},
                 {K::kBase64, "certificate"}}}},
    {.type = Type::kDs, .example = kDsExample, .fields = kDs, .check = check_ds},
    {.type = Type::kCds, .example = kDsExample, .fields = kDs, .check = check_ds},
    {.type = Type::kDnskey, .example = kDnskeyExample, .fields = kDnskey, .check = check_dnskey},
    {.type = Type::kCdnskey, .example = kDnskeyExample, .fields = kDnskey, .check = check_dnskey},
    {.type = Type::kZonemd,
     .example = "2024010101 1 1 "
                "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3"
                "a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c",
     .fields = {{{K::kNumber32, "serial"},
                 {K::kNumber8, "scheme"},
                 {K::kNumber8, "hash algorithm"},
                 {K::kHex, "digest"}}},
     .check = check_zonemd},
    {.type = Type::kRrsig,
     .example = "A 13 3 300 20240201000000 20240101000000 2642 example.net. c2lnbmF0dXJl",
     .fields = {{{K::kType, "type covered"},
                 {K::kAlgorithm, "algorithm"},
                 {K::kNumber8, "labels"},
                 {K::kNumber32, "original TTL"},
                 {K::kTime, "expiration"},
                 {K::kTime, "inception"},
                 {K::kNumber16, "key tag"},
                 {K::kName, "signer"},
                 {K::kBase64, "signature"}}},
     .names_lower_case = true},
    // RFC 6840 section 5.1: the name keeps its case, unlike that of the signer above.
    {.type = Type::kNsec,
     .example = "host.example.net. A MX RRSIG NSEC",
     .fields = {{{K::kName, "next name"}, {K::kTypes, "types"}}}},
    {.type = Type::kNsec3,
     .example = "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG",
     .fields = {{{K::kNumber8, "hash algorithm"},
                 {K::kNumber8, "flags"},
                 {K::kNumber16, "iterations"},
                 {K::kSalt, "salt"},
                 {K::kHash, "next hashed name"},
                 {K::kTypes, "types"}}}},
    {.type = Type::kNsec3Param,
     .example = "1 0 0 -",
     .fields = {{{K::kNumber8, "hash algorithm"},
                 {K::kNumber8, "flags"},
                 {K::kNumber16, "iterations"},
                 {K::kSalt, "salt"}}}},
});

// Apart from the table, which lies by number: its number is of those for private use.
constexpr TypeInfo kAliasInfo = {.type = Type::kAlias,
                                 .example = "www.example.net.",
                                 .fields = kTarget,
                                 .names_lower_case = true};

// By number: a place in kTypes plus one, or 0.
constexpr std::size_t kNumberMax = static_cast<std::size_t>(Type::kCaa);

constexpr std::array<std::uint8_t, kNumberMax + 1> make_places() {
  std::array<std::uint8_t, kNumberMax + 1> places{};
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    places[static_cast<std::size_t>(kTypes[i].type)] = static_cast<std::uint8_t>(i + 1);
  }
  return places;
}

constexpr auto kPlaces = make_places();

}  // namespace

const TypeInfo* find_type_info(Type type) {
  const auto number = static_cast<std::size_t>(type);
  if (type == Type::kAlias) {
    return &kAliasInfo;
  }
  return number > kNumberMax || kPlaces[number] == 0 ? nullptr : &kTypes[kPlaces[number] - 1U];
}

bool is_meta_type(Type type) {
  const auto number = static_cast<std::uint16_t>(type);
  return number == 0 || type == Type::kOpt || (number >= 128 && number <= 255);
}

}  // namespace mcns
