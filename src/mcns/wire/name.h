// Domain names (RFC 1035 section 3.1): at most 255 octets, labels of at most 63, the case kept.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dsl/result/result.h"

namespace mcns {

using Bytes = std::string;  // octets, not text
using BytesView = std::string_view;

constexpr std::size_t kNameMax = 255;  // octets of the wire form, root label included
constexpr std::size_t kLabelMax = 63;

// An absolute name in wire form without compression. A value; cheap to move.
//
// Equality and order ignore the case of ASCII letters (RFC 4343). The order is the canonical one of
// RFC 4034 section 6.1: by labels from the right, so that a zone's apex comes first and a name is
// followed by what lies below it.
class Name {
 public:
  Name() : wire_(1, '\0') {}  // the root

  // Presentation form: "www.example.test.", escapes \. and \DDD, "@" for `origin` itself. A name
  // without a final dot is below `origin`; without an origin it is taken as absolute.
  // kInvalidArgument says which label is at fault.
  static dsl::Result<Name> parse(std::string_view text, const Name* origin = nullptr);
  // The whole of `wire` is one uncompressed name. kInvalidArgument.
  static dsl::Result<Name> from_wire(BytesView wire);

  // "www.example.test.", "." for the root; everything that is not printable as \DDD (RFC 4343
  // section 2.1).
  std::string text() const;
  // Without what `origin` adds: "www", "@" for the origin; `text()` when it is not below it.
  std::string text_below(const Name& origin) const;

  const Bytes& wire() const { return wire_; }
  // The key of maps: as `wire`, ASCII letters in lower case.
  Bytes lower() const;
  std::size_t size() const { return wire_.size(); }
  std::size_t label_count() const;  // without the root: 0 for "."
  bool is_root() const { return wire_.size() == 1; }
  bool is_wildcard() const { return wire_.size() > 2 && wire_[0] == 1 && wire_[1] == '*'; }

  // Equal, or somewhere below.
  bool is_within(const Name& ancestor) const;
  // Without the first label; the root's parent is the root.
  Name parent() const;
  // The last `labels` labels.
  Name suffix(std::size_t labels) const;
  // The first label, without its length octet; empty for the root.
  std::string_view first_label() const;
  // `label` in front of it. kInvalidArgument when it gets too long.
  dsl::Result<Name> child(std::string_view label) const;
  // `from` at its end replaced by `to` (DNAME, RFC 6672). kTooLarge: YXDOMAIN.
  dsl::Result<Name> rebased(const Name& from, const Name& to) const;

  friend bool operator==(const Name& a, const Name& b);
  friend std::weak_ordering operator<=>(const Name& a, const Name& b);

 private:
  explicit Name(Bytes wire) : wire_(std::move(wire)) {}
  Bytes wire_;
};

// ASCII only; bytes above 127 stay as they are.
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
// Of two wire names, or any octets: equal but for ASCII case.
bool equal_ignoring_case(BytesView a, BytesView b);

}  // namespace mcns
