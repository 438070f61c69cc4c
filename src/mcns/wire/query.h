// A query as it came from the wire, read in place: no allocation, one pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kLabelsMax = 128;

// A question's name where it lies in its packet, with the hash of each of its suffixes, which is
// what zones and names are found by. `suffix_hash[i]` belongs to the last i labels, in any case.
struct QueryName {
  std::string_view wire;                              // as sent, root label included
  std::uint8_t labels = 0;                            // without the root
  std::array<std::uint8_t, kLabelsMax> offset;        // of label i, counted from the left
  std::array<std::uint64_t, kLabelsMax> suffix_hash;  // 0..labels

  // The last `count` labels, root included.
  std::string_view suffix(std::size_t count) const {
    return wire.substr(count == 0 ? wire.size() - 1 : offset[labels - count]);
  }
};

// What makes the hashes of this process its own, so that nobody can choose names that meet in one
// place of a table.
using HashSecrets = std::array<std::uint64_t, 2>;
HashSecrets hash_secrets();
// Those of another process, whose tables this one goes on with: before it hashes anything itself.
void set_hash_secrets(const HashSecrets& secrets);
// The hash of a whole name of ours.
std::uint64_t suffix_hash(std::string_view wire_name);
// The hash of `label`, length octet included, in front of the suffix with the hash `parent`.
std::uint64_t child_hash(std::uint64_t parent, std::string_view label);
// Fills `name` from `wire`, which begins with an uncompressed name; how many octets it takes, or 0
// when it is malformed or compressed.
std::size_t read_query_name(std::string_view wire, QueryName& name);

struct QueryEdns {
  bool present = false;
  bool dnssec_ok = false;
  bool nsid = false;          // asked for, as the next two
  bool keepalive = false;     // RFC 7828
  bool zone_version = false;  // RFC 9660
  bool has_cookie = false;    // RFC 7873; of several the first counts
  std::uint8_t version = 0;
  std::uint16_t udp_size = 512;
  std::string_view cookie;   // the option's data, of any size
  std::string_view options;  // all of them, as sent
};

struct Query {
  std::uint16_t id = 0;
  std::uint8_t flags1 = 0;  // the header's octets 2 and 3, as sent
  std::uint8_t flags2 = 0;
  Opcode opcode = Opcode::kQuery;
  Type type = Type::kA;
  Class dns_class = Class::kIn;
  QueryName name;
  std::size_t question_size = 0;  // octets of the question section, which begins at kHeaderSize
  QueryEdns edns;

  bool recursion_desired() const { return (flags1 & 0x01) != 0; }
  bool checking_disabled() const { return (flags2 & 0x10) != 0; }
  bool authentic_data() const { return (flags2 & 0x20) != 0; }
};

enum class ParseResult {
  kOk,
  kDrop,        // shorter than a header, or itself a response: no answer
  kFormErr,     // of `query` only id, flags and opcode are set
  kNotImp,      // an opcode of which we know nothing; as kFormErr
  kCookieOnly,  // no question, but a cookie (RFC 7873 section 5.4): as kFormErr, and EDNS is set
};

// The question alone, its name, type, class and size, of a packet that may end behind it. False
// when there is not exactly one that is whole.
bool read_question(std::string_view packet, Query& query);

// Of UPDATE only the question (zone) is read; its other sections are for their own parser.
// RFC 9619: exactly one question, unless all that is asked for is a cookie. `query` refers into
// `packet`.
ParseResult parse_query(std::string_view packet, Query& query);

}  // namespace mcns
