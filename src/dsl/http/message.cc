#include "dsl/http/message.h"

#include <algorithm>

namespace dsl::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string host_of(const Target& target) {
  if (target.kind == Target::Kind::kUnix) {
    return "localhost";
  }
  if (!target.server_name.empty()) {
    return target.server_name;
  }
  const bool v6 = target.address.find(':') != std::string::npos;
  return text(v6 ? "[{}]:{}" : "{}:{}", target.address, target.port);
}

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool same_name(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

Result<std::string> request_head(const Request& request, const Target& target, Framing framing) {
  if (!is_token(request.method)) {
    return fail(Code::kInvalidArgument, "'{}' is not an HTTP method", request.method);
  }
  if (request.path.empty() || request.path.front() != '/' || has_control(request.path) ||
      request.path.find(' ') != std::string::npos) {
    return fail(Code::kInvalidArgument, "'{}' is not an encoded path", request.path)
        .hint("encode its parts with dsl::http::encode");
  }
  std::string head = text("{} {} HTTP/1.1\r\n", request.method, request.path);
  bool has_host = false;
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || has_control(value)) {
      return fail(Code::kInvalidArgument, "header '{}' has bytes that a header may not have", name);
    }
    if (same_name(name, "content-length") || same_name(name, "transfer-encoding")) {
      return fail(Code::kInvalidArgument, "header '{}' is set by the client itself", name);
    }
    has_host = has_host || same_name(name, "host");
    head += text("{}: {}\r\n", name, value);
  }
  if (!has_host) {
    head += text("Host: {}\r\n", host_of(target));
  }
  if (framing == Framing::kChunked) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (!request.body.empty() || (request.method != "GET" && request.method != "HEAD")) {
    head += text("Content-Length: {}\r\n", request.body.size());
  }
  return head + "\r\n";
}

std::string Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) {
      return value;
    }
  }
  return "";
}

std::string encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace dsl::http
