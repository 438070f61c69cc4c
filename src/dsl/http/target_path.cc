#include "dsl/http/target_path.h"

#include <algorithm>

namespace dsl::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Failure bad_target(std::string_view why) {
  return fail(Code::kInvalidArgument, "bad request target: {}", why);
}

// "http://host/a" -> "/a"; RFC 9112 section 3.2.2: a server must accept it.
std::string_view without_origin(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) {
      const auto slash = target.find_first_of("/?", scheme.size());
      return slash == std::string_view::npos || target[slash] == '?' ? "/" : target.substr(slash);
    }
  }
  return target;
}

}  // namespace

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return false;
      }
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (is_control(c)) {
      return false;
    }
    out += c;
  }
  return true;
}

Result<TargetParts> parse_target(std::string_view target) {
  target = without_origin(target);
  if (target.empty() || target.front() != '/') {
    return bad_target("it does not begin with '/'");
  }
  const auto question = target.find('?');
  TargetParts parts;
  parts.raw_path = target.substr(0, question);
  if (question != std::string_view::npos) {
    parts.query = target.substr(question + 1);
  }
  if (std::any_of(target.begin(), target.end(), is_control) ||
      target.find('#') != std::string_view::npos) {
    return bad_target("it has a character that must be encoded");
  }
  if (!percent_decode(parts.raw_path, parts.path)) {
    return bad_target("malformed percent-encoding");
  }
  std::string_view rest = parts.path;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") {
      return bad_target("a segment is '.' or '..'");
    }
    rest.remove_prefix(segment.size());
  }
  return parts;
}

}  // namespace dsl::http
