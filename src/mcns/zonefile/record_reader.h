// One resource record from the words of its entry, with what entries before it have settled.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "mcns/rdata/token.h"
#include "mcns/wire/message.h"

namespace mcns::zonefile {

// An error, and at which word of the entry it is; at their end when one is missing.
struct Fault {
  dsl::Error error;
  std::size_t word = 0;
};

// Confined to its owner.
class RecordReader {
 public:
  using Use = std::function<dsl::Result<void>(Record record, int line)>;

  RecordReader(Name origin, std::optional<std::uint32_t> default_ttl, const Use& use)
      : origin_(std::move(origin)), default_ttl_(default_ttl), use_(use) {}

  // Hands the record to `use`. Without `has_owner` it is of the same name as the one before.
  std::optional<Fault> read(std::span<const Token> words, bool has_owner, int line);

  const Name& origin() const { return origin_; }
  void set_origin(Name origin) { origin_ = std::move(origin); }
  void set_default_ttl(std::uint32_t ttl) { default_ttl_ = ttl; }
  // The name that records without one belong to.
  const std::optional<Name>& owner() const { return owner_; }
  void set_owner(std::optional<Name> owner) { owner_ = std::move(owner); }

 private:
  Name origin_;
  std::optional<Name> owner_;
  std::optional<std::uint32_t> default_ttl_;
  std::optional<std::uint32_t> ttl_before_;
  const Use& use_;
};

// A TTL as a number or a period; at most 2^31 - 1 (RFC 2181 section 8).
std::optional<std::uint32_t> parse_ttl(std::string_view text);

}  // namespace mcns::zonefile
