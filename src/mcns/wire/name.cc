#include "mcns/wire/name.h"

#include <algorithm>
#include <array>

#include "dsl/result/text.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

std::size_t octet(BytesView wire, std::size_t at) { return static_cast<std::uint8_t>(wire[at]); }

// Where each label begins, from the left, without the root. Names are compared by the million when
// a zone is put in order: nothing is allocated.
class Labels {
 public:
  explicit Labels(BytesView wire) : wire_(wire) {
    for (std::size_t at = 0; octet(wire, at) != 0; at += 1 + octet(wire, at)) {
      offsets_[count_++] = static_cast<std::uint8_t>(at);
    }
  }
  std::size_t count() const { return count_; }
  // The `i`th from the right, from 1.
  std::size_t offset_from_right(std::size_t i) const { return offsets_[count_ - i]; }
  BytesView from_right(std::size_t i) const {
    return wire_.substr(offset_from_right(i) + 1, octet(wire_, offset_from_right(i)));
  }

 private:
  BytesView wire_;
  std::size_t count_ = 0;
  std::array<std::uint8_t, kNameMax / 2> offsets_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The octet written at text[at] as \X, \DDD or itself; moves `at` behind it.
Result<char> unescape(std::string_view text, std::size_t& at) {
  if (text[at] != '\\') {
    return text[at++];
  }
  const std::string_view rest = text.substr(at + 1);
  if (rest.empty()) {
    return fail(Code::kInvalidArgument, "the name {} ends with a lone backslash", text);
  }
  if (!is_digit(rest[0])) {
    at += 2;
    return rest[0];
  }
  if (rest.size() < 3 || !is_digit(rest[1]) || !is_digit(rest[2])) {
    return fail(Code::kInvalidArgument, "the name {} has an escape that is not \\DDD", text)
        .hint("three decimal digits: \\046 is a dot inside a label");
  }
  const int value = (rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0');
  if (value > 255) {
    return fail(Code::kInvalidArgument, "the escape \\{} is not an octet", rest.substr(0, 3));
  }
  at += 4;
  return static_cast<char>(value);
}

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kSpecial = ".\\\"();@$";
  if (kSpecial.find(c) != std::string_view::npos) {
    out += '\\';
    out += c;
  } else if (c > ' ' && c < 127) {
    out += c;
  } else {
    const unsigned value = static_cast<std::uint8_t>(c);
    out += '\\';
    out += static_cast<char>('0' + value / 100);
    out += static_cast<char>('0' + value / 10 % 10);
    out += static_cast<char>('0' + value % 10);
  }
}

// Labels from `wire` up to the octet `end`, with a dot between them.
std::string labels_text(BytesView wire, std::size_t end) {
  std::string out;
  for (std::size_t at = 0; at < end && octet(wire, at) != 0; at += 1 + octet(wire, at)) {
    if (at != 0) {
      out += '.';
    }
    for (const char c : wire.substr(at + 1, octet(wire, at))) {
      append_escaped(out, c);
    }
  }
  return out;
}

std::weak_ordering compare_labels(BytesView a, BytesView b) {
  // RFC 4034 section 6.1: as strings of octets, letters in lower case; a shorter one comes first.
  const auto lower = [](char c) { return static_cast<std::uint8_t>(to_lower(c)); };
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (lower(a[i]) != lower(b[i])) {
      return lower(a[i]) <=> lower(b[i]);
    }
  }
  return a.size() <=> b.size();
}

}  // namespace

Result<Name> Name::parse(std::string_view text, const Name* origin) {
  if (text.empty()) {
    return fail(Code::kInvalidArgument, "a name is empty").hint("\"@\" means the zone itself");
  }
  if (text == "@" && origin != nullptr) {
    return *origin;
  }
  if (text == ".") {
    return Name();
  }
  Bytes wire;
  std::size_t at = 0;
  bool absolute = false;
  while (at < text.size()) {
    const std::size_t length_at = wire.size();
    wire += '\0';
    while (at < text.size() && text[at] != '.') {
      MC_ASSIGN(const char c, unescape(text, at));
      wire += c;
    }
    const std::size_t size = wire.size() - length_at - 1;
    if (size == 0) {
      return fail(Code::kInvalidArgument, "the name {} has an empty label", text);
    }
    if (size > kLabelMax) {
      return fail(Code::kInvalidArgument, "a label of the name {} has {} octets", text, size)
          .hint("a DNS label holds at most 63");
    }
    wire[length_at] = static_cast<char>(size);
    absolute = at < text.size();
    at += absolute ? 1 : 0;
  }
  if (!absolute && origin != nullptr) {
    wire += origin->wire();
  } else {
    wire += '\0';
  }
  if (wire.size() > kNameMax) {
    return fail(Code::kInvalidArgument, "the name {} has {} octets", text, wire.size())
        .hint("a DNS name holds at most 255");
  }
  return Name(std::move(wire));
}

Result<Name> Name::from_wire(BytesView wire) {
  std::size_t at = 0;
  while (at < wire.size() && at < kNameMax) {
    const std::size_t size = octet(wire, at);
    if (size == 0) {
      if (at + 1 != wire.size()) {
        break;
      }
      return Name(Bytes(wire));
    }
    if (size > kLabelMax) {
      return fail(Code::kInvalidArgument, "a name has a label of {} octets", size);
    }
    at += 1 + size;
  }
  return fail(Code::kInvalidArgument, "{} octets are not one name", wire.size());
}

std::string Name::text() const { return labels_text(wire_, wire_.size()) + "."; }

std::string Name::text_below(const Name& origin) const {
  if (!is_within(origin)) {
    return text();
  }
  if (size() == origin.size()) {
    return "@";
  }
  // Relative to the root a name is its text without the final dot.
  return labels_text(wire_, wire_.size() - origin.size());
}

Bytes Name::lower() const {
  Bytes out = wire_;
  // A length octet is below 64, so it is no letter.
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  for (std::size_t at = 0; octet(wire_, at) != 0; at += 1 + octet(wire_, at)) {
    ++count;
  }
  return count;
}

bool Name::is_within(const Name& ancestor) const {
  if (ancestor.size() > size()) {
    return false;
  }
  const std::size_t begin = size() - ancestor.size();
  std::size_t at = 0;
  while (at < begin) {
    at += 1 + octet(wire_, at);
  }
  return at == begin && equal_ignoring_case(BytesView(wire_).substr(begin), ancestor.wire_);
}

Name Name::parent() const { return is_root() ? *this : Name(wire_.substr(1 + octet(wire_, 0))); }

Name Name::suffix(std::size_t labels) const {
  const Labels own(wire_);
  if (labels >= own.count()) {
    return *this;
  }
  return labels == 0 ? Name() : Name(wire_.substr(own.offset_from_right(labels)));
}

std::string_view Name::first_label() const {
  return std::string_view(wire_).substr(is_root() ? 0 : 1, octet(wire_, 0));
}

Result<Name> Name::child(std::string_view label) const {
  if (label.empty() || label.size() > kLabelMax) {
    return fail(Code::kInvalidArgument, "a label has {} octets", label.size())
        .hint("a DNS label holds 1 to 63");
  }
  if (1 + label.size() + size() > kNameMax) {
    return fail(Code::kInvalidArgument, "{} below {} has more than 255 octets", label, text());
  }
  Bytes wire(1, static_cast<char>(label.size()));
  wire += label;
  wire += wire_;
  return Name(std::move(wire));
}

Result<Name> Name::rebased(const Name& from, const Name& to) const {
  Bytes wire = wire_.substr(0, size() - from.size());
  wire += to.wire_;
  if (wire.size() > kNameMax) {
    return fail(Code::kTooLarge, "{} below {} has more than 255 octets", text(), to.text());
  }
  return Name(std::move(wire));
}

bool equal_ignoring_case(BytesView a, BytesView b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

bool operator==(const Name& a, const Name& b) { return equal_ignoring_case(a.wire_, b.wire_); }

std::weak_ordering operator<=>(const Name& a, const Name& b) {
  const Labels left(a.wire_);
  const Labels right(b.wire_);
  for (std::size_t i = 1; i <= std::min(left.count(), right.count()); ++i) {
    const auto order = compare_labels(left.from_right(i), right.from_right(i));
    if (std::is_neq(order)) {
      return order;
    }
  }
  return left.count() <=> right.count();
}

}  // namespace mcns
