// The data of resource records: presentation form, wire form, canonical form, names inside.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcns/wire/codes.h"
#include "mcns/wire/name.h"

namespace mcns {

// One word of presentation form, as `split_words` makes it. Quotes and escapes are resolved in
// `value`, so a word keeps the octets that were meant, and `raw` what was written inside of the
// quotes: a name wants its own escapes.
struct Word {
  std::string raw;
  Bytes value;
  bool quoted = false;
  int column = 1;  // where it begins, from 1
};

// Splits what stands on one line by RFC 1035 section 5.1: blanks, "quoted strings", \X and \DDD.
// Parentheses and comments belong to the zone file, not here. kInvalidArgument.
dsl::Result<std::vector<Word>> split_words(std::string_view text);

// The wire form of what `words` say, names completed by `origin`. Every type of codes.h that can
// stand in a zone is understood, any type in the form "\# 4 c0000201" (RFC 3597 section 5). TXT
// over 255 octets is split; SVCB parameters are sorted and checked (RFC 9460 section 2.1).
// kInvalidArgument: what is wrong with which field, what is allowed, and an example.
dsl::Result<Bytes> rdata_from_text(Type type, std::span<const Word> words, const Name& origin);
dsl::Result<Bytes> rdata_from_text(Type type, std::string_view text, const Name& origin);

// Presentation form: names absolute, or below `origin` when given. Octets that are not of the form
// of their type as "\# n hex".
std::string rdata_text(Type type, BytesView rdata, const Name* origin = nullptr);

// Whether `rdata` has the form of its type; every octet is looked at. kInvalidArgument.
dsl::Result<void> check_rdata(Type type, BytesView rdata);

// Names in lower case where RFC 4034 section 6.2 says so (RFC 6840 section 5.1 without HINFO etc.).
// `rdata` is well formed.
Bytes canonical_rdata(Type type, BytesView rdata);

// A name inside rdata that is well formed.
struct NameInside {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool compressible = false;  // of a type of RFC 1035
};
std::vector<NameInside> names_inside(Type type, BytesView rdata);

// The host that a record points to, whose addresses belong into the additional section: NS, MX,
// SRV, SVCB and HTTPS. Nothing for other types and for the root ("no service").
std::optional<Name> additional_target(Type type, BytesView rdata);

enum class HostUse { kTarget, kOwner };

// Whether `name` can be that of a host (RFC 1123 section 2.1): targets of NS, MX and SRV, of which
// the root means "none", and owners of A, AAAA and MX, which may have underscores and begin with a
// wildcard. kInvalidArgument.
dsl::Result<void> check_hostname(const Name& name, HostUse use = HostUse::kTarget);

struct Soa {
  Name primary_ns;
  Name admin_email;
  std::uint32_t serial = 0;
  std::uint32_t refresh_s = 3600;
  std::uint32_t retry_s = 600;
  std::uint32_t expire_s = 604800;
  std::uint32_t minimum_ttl_s = 300;
  bool operator==(const Soa&) const = default;

  static dsl::Result<Soa> parse(BytesView rdata);
  Bytes rdata() const;
};

}  // namespace mcns
