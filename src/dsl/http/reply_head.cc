#include "dsl/http/reply_head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dsl/http/message.h"

namespace dsl::http {

namespace {

// RFC 9110 section 15, and 499 as proxies log it; clients ignore the words.
constexpr std::array<std::pair<int, std::string_view>, 39> kReasons{{
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
}};

std::string_view reason_of(int status) {
  const auto found = std::lower_bound(kReasons.begin(), kReasons.end(), status,
                                      [](const auto& entry, int key) { return entry.first < key; });
  return found != kReasons.end() && found->first == status ? found->second : "Unknown";
}

void append_line(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

bool has_no_content(int status) { return status == 204 || status == 304; }

bool is_set_by_server(std::string_view lower_name) {
  constexpr std::array<std::string_view, 6> kNames{
      "content-length", "transfer-encoding", "connection", "date", "x-request-id", "keep-alive"};
  return std::find(kNames.begin(), kNames.end(), lower_name) != kNames.end();
}

void append_reply_head(const ReplyHead& head, std::string& out) {
  out += "HTTP/1.1 ";
  out += std::to_string(head.status);
  out += ' ';
  out += reason_of(head.status);
  out += "\r\n";
  for (const auto& [name, value] : head.headers) {
    if (!is_set_by_server(lower_case(name))) {
      append_line(name, value, out);
    }
  }
  append_line("date", head.date, out);
  append_line("x-request-id", head.request_id, out);
  if (head.close) {
    out += "connection: close\r\n";
  }
  out += head.framing;
  out += "\r\n";
}

}  // namespace dsl::http
