#include "dsl/health/health.h"
#include "dsl/json/text.h"

namespace dsl::health {

namespace {

std::string_view name_of(State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kFailing:
      return "failing";
    case State::kUnknown:
      break;
  }
  return "unknown";
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  json::append_string(name, out);
  out += ':';
  json::append_string(value, out);
}

void answer(http::Exchange& exchange, int status, std::string body) {
  exchange.reply({.status = status,
                  .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
                  .body = std::move(body)});
}

void answer_ready(Health& health, http::Exchange& exchange) {
  bool ready = true;
  std::string checks;
  for (const Status& status : health.statuses()) {
    ready = ready && status.state == State::kOk;
    checks += checks.empty() ? "{" : ",{";
    append_member("name", status.name, checks);
    checks += ',';
    append_member("state", name_of(status.state), checks);
    checks += ',';
    append_member("since", env::format_time(status.since), checks);
    checks += ',';
    append_member("message", status.message, checks);
    checks += '}';
  }
  answer(exchange, ready ? 200 : 503, text("{\"ready\":{},\"checks\":[{}]}\n", ready, checks));
}

}  // namespace

http::Route live_route() {
  return {.method = "GET",
          .pattern = "/v1/health",
          .access = http::Access::kPublic,
          .handle = [](http::Exchange& exchange) { answer(exchange, 200, "{\"live\":true}\n"); }};
}

http::Route ready_route(Health& health, http::Access access) {
  return {.method = "GET",
          .pattern = "/v1/ready",
          .access = access,
          .handle = [&health](http::Exchange& exchange) { answer_ready(health, exchange); }};
}

}  // namespace dsl::health
