#include "mcns/zonefile/record_reader.h"

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/read_rdata.h"

namespace mcns::zonefile {
namespace {

using dsl::Code;
using dsl::fail;

constexpr std::uint32_t kTtlMax = 0x7fffffff;
constexpr std::size_t kShownMax = 60;

bool begins_with_digit(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

bool is_in(std::string_view text) {
  return equal_ignoring_case(text, "IN") || equal_ignoring_case(text, "CLASS1");
}

bool is_other_class(std::string_view text) {
  for (const std::string_view name : {"CH", "HS", "CS", "NONE", "ANY"}) {
    if (equal_ignoring_case(text, name)) {
      return true;
    }
  }
  return text.size() > 5 && equal_ignoring_case(text.substr(0, 5), "CLASS");
}

// The TTL, if there is one, of what may stand before the type: it and the class in either order
// (RFC 1035 section 5.1). Moves `at` to the type.
dsl::Result<std::optional<std::uint32_t>> read_ttl_and_class(std::span<const Token> words,
                                                             std::size_t& at) {
  std::optional<std::uint32_t> ttl;
  bool has_class = false;
  for (; at < words.size(); ++at) {
    const std::string_view word = words[at].raw;
    if (begins_with_digit(word) && !ttl) {
      ttl = parse_ttl(word);
      if (!ttl) {
        return fail(Code::kInvalidArgument, "\"{}\" is no TTL", word.substr(0, kShownMax))
            .hint("0 to 2147483647 seconds, or a period such as 1h30m");
      }
    } else if (is_in(word) && !has_class) {
      has_class = true;
    } else if (is_other_class(word)) {
      return fail(Code::kInvalidArgument, "the class {} is not served, only IN is",
                  word.substr(0, kShownMax));
    } else {
      return ttl;
    }
  }
  return fail(Code::kInvalidArgument, "the type is missing")
      .hint("for example: www 300 A 192.0.2.1");
}

}  // namespace

std::optional<std::uint32_t> parse_ttl(std::string_view text) {
  const auto ttl = parse_period(text);
  return ttl && *ttl <= kTtlMax ? ttl : std::nullopt;
}

std::optional<Fault> RecordReader::read(std::span<const Token> words, bool has_owner, int line) {
  std::size_t at = 0;
  if (has_owner) {
    auto name = Name::parse(words[0].raw, &origin_);
    if (!name) {
      return Fault{name.error()};
    }
    owner_ = std::move(*name);
    at = 1;
  } else if (!owner_) {
    return Fault{fail(Code::kInvalidArgument, "no name, and no record before to take it from")};
  }
  const auto own_ttl = read_ttl_and_class(words, at);
  if (!own_ttl) {
    return Fault{own_ttl.error(), at};
  }
  const auto type = parse_type(words[at].raw);
  if (!type) {
    return Fault{fail(Code::kInvalidArgument, "\"{}\" is no record type",
                      words[at].raw.substr(0, kShownMax)),
                 at};
  }
  RdataRead rdata = read_rdata(*type, words.subspan(at + 1), origin_);
  if (!rdata.rdata) {
    return Fault{rdata.rdata.error(), at + 1 + rdata.word};
  }
  // RFC 2308 section 4: $TTL is for all records behind it; without one RFC 1035 section 5.1 holds.
  const auto ttl = *own_ttl ? *own_ttl : default_ttl_ ? default_ttl_ : ttl_before_;
  if (!ttl) {
    return Fault{fail(Code::kInvalidArgument, "no TTL, and none before to take")
                     .hint("begin the file with $TTL 300"),
                 at};
  }
  ttl_before_ = ttl;
  auto used =
      use_({.name = *owner_, .type = *type, .ttl = *ttl, .rdata = std::move(*rdata.rdata)}, line);
  return used ? std::nullopt : std::optional(Fault{used.error()});
}

}  // namespace mcns::zonefile
