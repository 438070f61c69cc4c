#include "dsl/transcode/error_reply.h"

#include "dsl/json/text.h"
#include "dsl/transcode/transcode.h"

namespace dsl::transcode {

namespace {

constexpr char kRetryAfterSeconds[] = "1";

void append_member(std::string_view name, std::string_view value, std::string& out) {
  json::append_string(name, out);
  out += ':';
  json::append_string(value, out);
}

}  // namespace

std::string error_json(const Error& error, std::string_view request_id) {
  std::string out = "{";
  append_member("error", error.message(), out);
  out += ',';
  append_member("code", code_info(error.code()).name, out);
  out += ',';
  if (!error.id().empty()) {
    append_member("id", error.id(), out);
    out += ',';
  }
  append_member("hint", error.hint(), out);
  out += ",\"details\":[";
  for (std::size_t i = 0; i < error.details().size(); ++i) {
    out += i > 0 ? ",{" : "{";
    append_member("where", error.details()[i].where, out);
    out += ',';
    append_member("message", error.details()[i].message, out);
    out += '}';
  }
  out += "],";
  append_member("request_id", request_id, out);
  return out + "}";
}

http::Reply http_error_reply(const Error& error, std::string_view request_id) {
  http::Reply reply{
      .status = code_info(error.code()).http_status,
      .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
      .body = error_json(error, request_id) + "\n"};
  switch (error.code()) {
    case Code::kUnauthenticated:
      reply.headers.emplace_back("www-authenticate", "Bearer");  // RFC 6750 section 3
      break;
    case Code::kRateLimited:
    case Code::kUnavailable:
      reply.headers.emplace_back("retry-after", kRetryAfterSeconds);
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace dsl::transcode
