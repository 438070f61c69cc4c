#include "dsl/transcode/exchange.h"

#include <array>

namespace dsl::transcode {

namespace {

// The type without its parameters, in lower case: "application/json".
std::string media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  std::string out;
  for (const char c : value) {
    if (c != ' ' && c != '\t') {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return out;
}

std::string bearer_token(const http::Exchange& exchange) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string value = header_of(exchange, "authorization");
  if (value.size() <= kScheme.size() || media_type(value.substr(0, 6)) != "bearer" ||
      value[6] != ' ') {
    return {};
  }
  return value.substr(kScheme.size());
}

}  // namespace

std::string header_of(const http::Exchange& exchange, std::string_view name) {
  for (const auto& [key, value] : exchange.headers()) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

rpc::Peer peer_of(const http::Exchange& exchange) {
  rpc::Peer peer;
  peer.address = exchange.peer().address;
  peer.client_name = exchange.peer().client_name;
  peer.token = bearer_token(exchange);
  return peer;
}

Result<std::string> read_body(http::Exchange& exchange) {
  // A page of another origin can send forms and plain text without asking, and JSON only if it is
  // allowed to: so nothing else is read.
  const std::string type = header_of(exchange, "content-type");
  std::string body;
  std::array<char, 16384> piece;
  while (true) {
    MC_ASSIGN(const std::size_t count, exchange.read(piece));
    if (count == 0) {
      break;
    }
    body.append(piece.data(), count);
  }
  if (!body.empty() && !type.empty() && media_type(type) != "application/json") {
    return fail(Code::kInvalidArgument, "content-type is {}", type)
        .detail("content-type", "must be application/json")
        .hint("send JSON with the header content-type: application/json");
  }
  return body;
}

bool wants_events(const http::Exchange& exchange) {
  for (const auto& [key, value] : exchange.headers()) {
    std::string_view rest = key == "accept" ? std::string_view(value) : std::string_view();
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (media_type(rest.substr(0, comma)) == "text/event-stream") {
        return true;
      }
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

}  // namespace dsl::transcode
