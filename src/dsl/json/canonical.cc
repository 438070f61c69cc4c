#include "dsl/json/canonical.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include <boost/json/value.hpp>

#include "dsl/json/text.h"

namespace dsl::json {

namespace {

// I-JSON (RFC 7493 section 2.2): integers beyond this are not the same number everywhere.
constexpr std::int64_t kIntegerMax = (std::int64_t{1} << 53) - 1;
constexpr int kDepthMax = 64;

// RFC 8785 section 3.2.3: names are sorted by UTF-16 code units. That is the order of code points,
// except that U+E000..U+FFFF come after the surrogate pairs of everything above.
bool utf16_less(std::string_view left, std::string_view right) {
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < left.size() && r < right.size()) {
    const char32_t a = *next_code_point(left, l);
    const char32_t b = *next_code_point(right, r);
    if (a != b) {
      const auto rank = [](char32_t point) {
        return point >= 0x10000 ? 1 : point >= 0xE000 ? 2 : 0;
      };
      return rank(a) != rank(b) ? rank(a) < rank(b) : a < b;
    }
  }
  return l == left.size() && r < right.size();
}

Result<void> put_string(std::string_view text, std::string& out) {
  if (!is_utf8(text)) {
    return fail(Code::kInvalidArgument, "a string is not valid UTF-8");
  }
  append_string(text, out);
  return {};
}

// ECMA-262 Number::toString: the shortest digits that read back, plain between 1e-6 and 1e21.
Result<void> put_double(double number, std::string& out) {
  if (!std::isfinite(number)) {
    return fail(Code::kInvalidArgument, "NaN and infinity have no JSON form");
  }
  if (number == 0) {
    out += '0';  // -0 too
    return {};
  }
  char buffer[64];
  const auto end =
      std::to_chars(std::begin(buffer), std::end(buffer), number, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<std::size_t>(end.ptr - buffer));
  if (text.front() == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const std::size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) {
    digits += text.substr(2, e - 2);
  }
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text.front() == '+') {
    exponent_text.remove_prefix(1);
  }
  int exponent = 0;
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);

  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // position of the decimal point; "n" in ECMA-262
  if (count <= point && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (0 < point && point <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(point));
    out += '.';
    out += digits.substr(static_cast<std::size_t>(point));
  } else if (-6 < point && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out += digits.substr(1);
    }
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(exponent));
  }
  return {};
}

Result<void> put(const boost::json::value& value, int depth, std::string& out);

Result<void> put_object(const boost::json::object& object, int depth, std::string& out) {
  std::vector<const boost::json::key_value_pair*> members;
  members.reserve(object.size());
  for (const auto& member : object) {
    if (!is_utf8({member.key().data(), member.key().size()})) {
      return fail(Code::kInvalidArgument, "a member name is not valid UTF-8");
    }
    members.push_back(&member);
  }
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
    return utf16_less({a->key().data(), a->key().size()}, {b->key().data(), b->key().size()});
  });

  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) {
      out += ',';
    }
    MC_TRY(put_string({members[i]->key().data(), members[i]->key().size()}, out));
    out += ':';
    MC_TRY(put(members[i]->value(), depth + 1, out));
  }
  out += '}';
  return {};
}

Result<void> put(const boost::json::value& value, int depth, std::string& out) {
  if (depth > kDepthMax) {
    return fail(Code::kTooLarge, "a document nests deeper than {} levels", kDepthMax);
  }
  switch (value.kind()) {
    case boost::json::kind::null:
      out += "null";
      return {};
    case boost::json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return {};
    case boost::json::kind::int64:
      if (value.get_int64() > kIntegerMax || value.get_int64() < -kIntegerMax) {
        return fail(Code::kInvalidArgument, "{} is not exact as a JSON number", value.get_int64())
            .hint("write it as a string");
      }
      out += std::to_string(value.get_int64());
      return {};
    case boost::json::kind::uint64:
      if (value.get_uint64() > static_cast<std::uint64_t>(kIntegerMax)) {
        return fail(Code::kInvalidArgument, "{} is not exact as a JSON number", value.get_uint64())
            .hint("write it as a string");
      }
      out += std::to_string(value.get_uint64());
      return {};
    case boost::json::kind::double_:
      return put_double(value.get_double(), out);
    case boost::json::kind::string:
      return put_string({value.get_string().data(), value.get_string().size()}, out);
    case boost::json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& item : value.get_array()) {
        if (!first) {
          out += ',';
        }
        first = false;
        MC_TRY(put(item, depth + 1, out));
      }
      out += ']';
      return {};
    }
    case boost::json::kind::object:
      return put_object(value.get_object(), depth, out);
  }
  return {};
}

}  // namespace

Result<std::string> canonical(const boost::json::value& value) {
  std::string out;
  MC_TRY(put(value, 0, out));
  return out;
}

}  // namespace dsl::json
