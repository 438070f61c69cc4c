// Numbers of the DNS protocol: RR types, classes, opcodes, rcodes, extended errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcns {

// An RR or query type (RFC 1035 section 3.2.2 and the registry of IANA). Any number is a type:
// those without a name here are handled as RFC 3597 says.
enum class Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kHinfo = 13,
  kMx = 15,
  kTxt = 16,
  kRp = 17,
  kAaaa = 28,
  kLoc = 29,
  kSrv = 33,
  kNaptr = 35,
  kCert = 37,
  kDname = 39,
  kOpt = 41,
  kDs = 43,
  kSshfp = 44,
  kRrsig = 46,
  kNsec = 47,
  kDnskey = 48,
  kNsec3 = 50,
  kNsec3Param = 51,
  kTlsa = 52,
  kSmimea = 53,
  kCds = 59,
  kCdnskey = 60,
  kOpenpgpkey = 61,
  kZonemd = 63,
  kSvcb = 64,
  kHttps = 65,
  kTkey = 249,
  kTsig = 250,
  kIxfr = 251,
  kAxfr = 252,
  kAny = 255,
  kUri = 256,
  kCaa = 257,
  // Of the numbers for private use (RFC 6895 section 3.1), the one that PowerDNS has for it too:
  // another name whose addresses are those of this one. Never part of an answer.
  kAlias = 65401,
};

enum class Class : std::uint16_t { kIn = 1, kCh = 3, kNone = 254, kAny = 255 };
enum class Opcode : std::uint8_t { kQuery = 0, kStatus = 2, kNotify = 4, kUpdate = 5 };

// With the upper bits that EDNS adds (RFC 6891 section 6.1.3).
enum class Rcode : std::uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kNotAuth = 9,
  kNotZone = 10,
  kBadVers = 16,
  kBadCookie = 23,
};

// RFC 8914 section 4.
enum class ExtendedError : std::uint16_t {
  kOther = 0,
  kStaleAnswer = 3,
  kCachedError = 13,
  kNotReady = 14,
  kBlocked = 15,
  kProhibited = 18,
  kStaleNxdomainAnswer = 19,
  kNotAuthoritative = 20,
  kNotSupported = 21,
  kNoReachableAuthority = 22,
  kNetworkError = 23,
  kInvalidData = 24,
};

// "A", "TYPE65280" for those without a name.
std::string text(Type type);
std::string text(Rcode rcode);  // "NXDOMAIN", "RCODE15"
std::string text(Class dns_class);
// Any case; "TYPE65280" too. Nothing for a name that is none.
std::optional<Type> parse_type(std::string_view text);
std::optional<Rcode> parse_rcode(std::string_view text);

}  // namespace mcns
