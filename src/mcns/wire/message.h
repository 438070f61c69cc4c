// DNS messages (RFC 1035 section 4, RFC 6891) read whole and written whole.
//
// For whoever is not on the path of every packet: the forwarder, transfers, clients, tests. That
// path parses and writes in place: see query.h and response.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

struct Question {
  Name name;
  Type type = Type::kA;
  Class dns_class = Class::kIn;
  bool operator==(const Question&) const = default;
};

// Names in `rdata` are uncompressed; its form is not checked beyond that: see rdata.h.
struct Record {
  Name name;
  Type type = Type::kA;
  Class dns_class = Class::kIn;
  std::uint32_t ttl = 0;  // seconds; 0 when the sender set the sign bit (RFC 2181 section 8)
  Bytes rdata;
  bool operator==(const Record&) const = default;
};

struct EdnsOption {
  std::uint16_t code = 0;
  Bytes data;
  bool operator==(const EdnsOption&) const = default;
};

constexpr std::uint16_t kOptionNsid = 3;
constexpr std::uint16_t kOptionCookie = 10;
constexpr std::uint16_t kOptionKeepalive = 11;
constexpr std::uint16_t kOptionPadding = 12;
constexpr std::uint16_t kOptionExtendedError = 15;
constexpr std::uint16_t kOptionZoneVersion = 19;

struct Edns {
  std::uint16_t udp_size = 1232;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  std::vector<EdnsOption> options;
  bool operator==(const Edns&) const = default;
};

struct Message {
  std::uint16_t id = 0;
  bool response = false;
  Opcode opcode = Opcode::kQuery;
  bool authoritative = false;
  bool truncated = false;
  bool recursion_desired = false;
  bool recursion_available = false;
  bool authentic_data = false;
  bool checking_disabled = false;
  Rcode rcode = Rcode::kNoError;  // with the bits of EDNS
  std::vector<Question> questions;
  std::vector<Record> answers;
  std::vector<Record> authorities;
  std::vector<Record> additionals;  // without OPT
  std::optional<Edns> edns;

  // Everything in `wire` or kInvalidArgument: bad name, pointer that does not point backwards, two
  // OPT records, a section cut short, octets left over.
  static dsl::Result<Message> parse(BytesView wire);
  // Owner names are compressed, and of rdata the names of RFC 1035's types only (RFC 3597 section
  // 4). At most `size_max` octets: whole records are left out from the end and TC is set.
  Bytes encode(std::size_t size_max = 65535) const;
  // As dig prints it. Defined in the unit `rdata`, which knows how records look.
  std::string text() const;

  bool operator==(const Message&) const = default;
};

// Reads a name at `offset` of `message`, following compression pointers, each of which must point
// before the one that led to it; moves `offset` behind it. kInvalidArgument.
dsl::Result<Name> read_name(BytesView message, std::size_t& offset);

}  // namespace mcns
