#include <algorithm>
#include <cctype>
#include <charconv>

#include <boost/json.hpp>

#include "dsl/http/client.h"
#include "mcp/boot/probes.h"

namespace mcp::boot {

namespace {

using dsl::text;

constexpr std::size_t kBodyBytesMax = 64u << 10;
constexpr std::size_t kStatusBytesMax = 32;
constexpr int kSealedStatus = 503;  // how a sealed service of the platform refuses

// "200", "200,204", "200-299". False for anything else, too.
bool status_listed(std::string_view list, int status) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    int low = 0;
    const char* end = item.data() + item.size();
    const auto first = std::from_chars(item.data(), end, low);
    int high = low;
    bool whole = first.ec == std::errc() && first.ptr == end;
    if (first.ec == std::errc() && first.ptr != end && *first.ptr == '-') {
      const auto second = std::from_chars(first.ptr + 1, end, high);
      whole = second.ec == std::errc() && second.ptr == end;
    }
    if (whole && low <= status && status <= high) {
      return true;
    }
  }
  return false;
}

// The body's "status" when it is a JSON object that has one; a plain word only, since it is shown.
std::string body_status(const std::string& body) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(body, error);
  if (error || !value.is_object()) {
    return "";
  }
  const boost::json::value* status = value.as_object().if_contains("status");
  if (status == nullptr || !status->is_string()) {
    return "";
  }
  const std::string word(status->as_string());
  const bool plain = std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  return plain && word.size() <= kStatusBytesMax ? word : "";
}

bool passes(const model::Health& health, int status, const std::string& word) {
  if (!health.expect.empty()) {
    return status_listed(health.expect, status);
  }
  // Sealed is as healthy as it gets without the operator.
  return (status >= 200 && status <= 399) || (status == kSealedStatus && word == "sealed");
}

}  // namespace

Answer probe_http(dsl::env::Env& env, const Gate& gate, const Endpoint& endpoint) {
  const model::Health& health = gate.health;
  const std::string path = health.path.empty() ? "/v1/health" : health.path;
  const std::string subject = text("{} {}{}: ", health.type, show(endpoint), path);
  Answer answer;

  dsl::http::Target target;
  target.address = endpoint.ip;
  target.port = endpoint.port;
  target.server_name = health.host;
  if (health.type == "https") {
    target.kind = dsl::http::Target::Kind::kTls;
    if (health.tls == "verify") {
      const auto present = env.files().exists(gate.ca_file);
      if (!gate.ca_file.empty() && present && *present) {
        target.ca_file = gate.ca_file;
      } else {
        answer.warning = "certificate not verified: no platform CA on this node";
      }
    }
  }

  dsl::http::Request request;
  request.method = health.method;
  request.path = path;
  request.headers = {{"Accept", "application/json"}, {"Connection", "close"}};
  std::string body;
  // The status line decides; of the body only the beginning is read, and not for ever.
  const auto deadline = env.clock().mono_now() + health.timeout;
  const auto keep = [&](std::string_view bytes) {
    body.append(bytes.substr(0, kBodyBytesMax - body.size()));
    return body.size() < kBodyBytesMax && env.clock().mono_now() < deadline;
  };
  dsl::http::Connection connection(target);
  const auto response = health.method == "HEAD"
                            ? connection.send(request, health.timeout)
                            : connection.stream(request, health.timeout, health.timeout, keep);
  if (!response) {
    answer.text = subject + response.error().message();
    return answer;
  }
  answer.status = body_status(body.empty() ? response->body : body);
  answer.pass = passes(health, response->status, answer.status);
  answer.text =
      text("{}{}{}", subject, response->status, answer.status.empty() ? "" : " " + answer.status);
  return answer;
}

}  // namespace mcp::boot
