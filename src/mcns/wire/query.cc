#include "mcns/wire/query.h"

#include <cstring>

#include <sys/auxv.h>

#include "mcns/wire/lower.h"
#include "mcns/wire/octets.h"

namespace mcns {
namespace {

struct Secrets {
  std::uint64_t start = 0;  // of the root
  std::uint64_t factor = 1;
};

// The kernel gives every program 16 random octets at its start.
Secrets random_secrets() {
  Secrets out;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how the kernel hands it over
  std::memcpy(&out, reinterpret_cast<const void*>(::getauxval(AT_RANDOM)), sizeof(out));
  out.factor |= 1U;
  return out;
}

Secrets secrets = random_secrets();

constexpr std::uint16_t kOptNsid = 3;
constexpr std::uint16_t kOptCookie = 10;
constexpr std::uint16_t kOptKeepalive = 11;
constexpr std::uint16_t kOptZoneVersion = 19;
constexpr std::size_t kOptFixed = 11;  // owner, type, class, TTL and length of an OPT record

// Both halves of a product, so that every bit depends on all others and on the secret.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{hash ^ word} * secrets.factor;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

// Continues the hash of what stands right of `label`, which includes its length octet.
std::uint64_t hash_label(std::uint64_t hash, const char* label, std::size_t size) {
  while (size >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, label, 8);
    hash = mix(hash, lower8(word));
    label += 8;
    size -= 8;
  }
  std::uint64_t word = 0;
  std::memcpy(&word, label, size);
  // One more octet than there is, so that no two labels end alike.
  word = lower8(word) | (static_cast<std::uint64_t>(size + 1) << 56U);
  return mix(mix(hash, word), 0x9e3779b97f4a7c15ULL);
}

bool read_options(std::string_view options, QueryEdns& edns) {
  std::size_t at = 0;
  while (at < options.size()) {
    if (options.size() - at < 4) {
      return false;
    }
    const std::uint16_t code = read16(options, at);
    const std::size_t size = read16(options, at + 2);
    if (options.size() - at - 4 < size) {
      return false;
    }
    const std::string_view data = options.substr(at + 4, size);
    if (code == kOptNsid) {
      edns.nsid = true;
    } else if (code == kOptCookie && !edns.has_cookie) {
      edns.has_cookie = true;
      edns.cookie = data;
    } else if (code == kOptKeepalive) {
      edns.keepalive = true;
    } else if (code == kOptZoneVersion) {
      // RFC 9660: who asks sends it empty.
      if (size != 0) {
        return false;
      }
      edns.zone_version = true;
    }
    at += 4 + size;
  }
  return true;
}

// Behind a name at `at`; 0 when it is cut short, or when a pointer in it does not lead to somewhere
// before the part of the name that has it (RFC 1035 section 4.1.4).
std::size_t skip_name(std::string_view packet, std::size_t at) {
  std::size_t behind = 0;  // set by the first pointer
  std::size_t part = at;
  while (at < packet.size()) {
    const std::uint8_t size = read8(packet, at);
    if (size == 0) {
      return behind != 0 ? behind : at + 1;
    }
    if ((size & 0xc0U) == 0xc0U) {
      if (at + 2 > packet.size()) {
        return 0;
      }
      behind = behind != 0 ? behind : at + 2;
      const std::size_t target = read16(packet, at) & 0x3fffU;
      if (target >= part || target < kHeaderSize) {
        return 0;
      }
      at = part = target;
      continue;
    }
    if (size > kLabelMax) {
      return 0;
    }
    at += 1U + size;
  }
  return 0;
}

// The sections behind the question. Of a query only the OPT record matters; all else has to be
// whole (a query may carry a signature, or for IXFR an SOA).
bool read_sections(std::string_view packet, std::size_t at, Query& query) {
  const unsigned answers = read16(packet, 6);
  const unsigned before_additional = answers + read16(packet, 8);
  const unsigned records = before_additional + read16(packet, 10);
  for (unsigned i = 0; i < records; ++i) {
    const bool root_owner = at < packet.size() && packet[at] == '\0';
    at = skip_name(packet, at);
    if (at == 0 || packet.size() - at < kOptFixed - 1) {
      return false;
    }
    const auto type = static_cast<Type>(read16(packet, at));
    const std::size_t size = read16(packet, at + 8);
    if (packet.size() - at - (kOptFixed - 1) < size) {
      return false;
    }
    if (type == Type::kOpt) {
      // RFC 6891 section 6.1.1: one, of the root, in the additional section.
      if (query.edns.present || !root_owner || i < before_additional) {
        return false;
      }
      query.edns.present = true;
      query.edns.udp_size = read16(packet, at + 2);
      query.edns.version = read8(packet, at + 5);
      query.edns.dnssec_ok = (read8(packet, at + 6) & 0x80U) != 0;
      query.edns.options = packet.substr(at + kOptFixed - 1, size);
      if (!read_options(query.edns.options, query.edns)) {
        return false;
      }
    }
    at += kOptFixed - 1 + size;
  }
  return at == packet.size();
}

ParseResult read_without_question(std::string_view packet, Query& query) {
  if (read_sections(packet, kHeaderSize, query) && query.edns.has_cookie) {
    return ParseResult::kCookieOnly;
  }
  query.edns = QueryEdns();
  return ParseResult::kFormErr;
}

bool is_known(Opcode opcode) {
  return opcode == Opcode::kQuery || opcode == Opcode::kNotify || opcode == Opcode::kUpdate;
}

}  // namespace

std::size_t read_query_name(std::string_view wire, QueryName& name) {
  std::size_t at = 0;
  std::size_t labels = 0;
  while (true) {
    if (at >= wire.size() || at >= kNameMax) {
      return 0;
    }
    const std::uint8_t size = read8(wire, at);
    if (size == 0) {
      break;
    }
    if (size > kLabelMax) {
      return 0;
    }
    name.offset[labels++] = static_cast<std::uint8_t>(at);
    at += 1U + size;
  }
  name.wire = wire.substr(0, at + 1);
  name.labels = static_cast<std::uint8_t>(labels);
  std::uint64_t hash = secrets.start;
  name.suffix_hash[0] = hash;
  for (std::size_t i = 1; i <= labels; ++i) {
    const char* label = wire.data() + name.offset[labels - i];
    hash = hash_label(hash, label, 1U + static_cast<std::uint8_t>(*label));
    name.suffix_hash[i] = hash;
  }
  return at + 1;
}

HashSecrets hash_secrets() { return {secrets.start, secrets.factor}; }

void set_hash_secrets(const HashSecrets& wanted) { secrets = {wanted[0], wanted[1] | 1U}; }

std::uint64_t suffix_hash(std::string_view wire_name) {
  QueryName name;
  return read_query_name(wire_name, name) == 0 ? 0 : name.suffix_hash[name.labels];
}

std::uint64_t child_hash(std::uint64_t parent, std::string_view label) {
  return hash_label(parent, label.data(), label.size());
}

bool read_question(std::string_view packet, Query& query) {
  if (packet.size() < kHeaderSize || read16(packet, 4) != 1) {
    return false;
  }
  const std::size_t name_size = read_query_name(packet.substr(kHeaderSize), query.name);
  if (name_size == 0 || packet.size() - kHeaderSize - name_size < 4) {
    return false;
  }
  query.type = static_cast<Type>(read16(packet, kHeaderSize + name_size));
  query.dns_class = static_cast<Class>(read16(packet, kHeaderSize + name_size + 2));
  query.question_size = name_size + 4;
  return true;
}

ParseResult parse_query(std::string_view packet, Query& query) {
  if (packet.size() < kHeaderSize || (read8(packet, 2) & 0x80U) != 0) {
    return ParseResult::kDrop;
  }
  query.id = read16(packet, 0);
  query.flags1 = read8(packet, 2);
  query.flags2 = read8(packet, 3);
  query.opcode = static_cast<Opcode>((query.flags1 >> 3U) & 0x0fU);
  query.question_size = 0;
  query.name.wire = {};
  query.name.labels = 0;
  query.edns = QueryEdns();
  if (!is_known(query.opcode)) {
    return ParseResult::kNotImp;
  }
  // RFC 9619: exactly one.
  const unsigned questions = read16(packet, 4);
  if (questions != 1) {
    return questions == 0 && query.opcode == Opcode::kQuery ? read_without_question(packet, query)
                                                            : ParseResult::kFormErr;
  }
  if (!read_question(packet, query)) {
    return ParseResult::kFormErr;
  }
  if (query.opcode == Opcode::kUpdate) {
    return ParseResult::kOk;
  }
  if (!read_sections(packet, kHeaderSize + query.question_size, query)) {
    query.question_size = 0;
    query.edns = QueryEdns();
    return ParseResult::kFormErr;
  }
  return ParseResult::kOk;
}

}  // namespace mcns
