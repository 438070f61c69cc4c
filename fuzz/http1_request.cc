// Any bytes as HTTP/1.1: the same requests come out however the bytes are cut, and no body is
// framed in two ways.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dsl/http/http1_parser.h"
#include "dsl/http/message.h"
#include "dsl/http/target_path.h"

namespace {

constexpr std::size_t kHeaderMax = 4096;
constexpr std::size_t kRequestsMax = 64;

struct Outcome {
  std::string requests;  // each head and body, made unambiguous
  bool refused = false;
  bool operator==(const Outcome&) const = default;
};

void check(const dsl::http::Http1Parser::Head& head) {
  int lengths = 0;
  int codings = 0;
  for (const auto& [name, value] : head.request.headers) {
    MC_ASSERT(dsl::http::is_token(name) && !dsl::http::has_control(value), "a sound header");
    lengths += name == "content-length" ? 1 : 0;
    codings += name == "transfer-encoding" ? 1 : 0;
  }
  MC_ASSERT(lengths + codings <= 1, "one way to frame a body");
  (void)dsl::http::parse_target(head.request.target);
}

// Feeds `bytes` in pieces of `step`, as a connection does.
Outcome requests_of(std::string_view bytes, std::size_t step) {
  dsl::http::Http1Parser parser(kHeaderMax);
  Outcome outcome;
  std::string waiting;
  bool in_body = false;
  std::size_t requests = 0;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    waiting += bytes.substr(at, step);
    while (requests < kRequestsMax) {
      dsl::http::Http1Parser::Step result;
      if (!in_body) {
        std::optional<dsl::http::Http1Parser::Head> head;
        result = parser.read_head(waiting, head);
        if (head) {
          check(*head);
          outcome.requests += head->request.method + ' ' + head->request.target + '\n';
          for (const auto& [name, value] : head->request.headers) {
            outcome.requests += name + ':' + value + '\n';
          }
          in_body = true;
        }
      } else if (!parser.request_done() && !waiting.empty()) {
        result =
            parser.read_body(waiting, [&](std::string_view piece) { outcome.requests += piece; });
      }
      if (result.refusal) {
        outcome.refused = true;
        return outcome;
      }
      MC_ASSERT(result.used <= waiting.size(), "it takes what there is");
      waiting.erase(0, result.used);
      const bool done = in_body && parser.request_done();
      if (done) {
        outcome.requests += '\0';
        parser.reset();
        in_body = false;
        ++requests;
      }
      if (waiting.empty() || (result.used == 0 && !done)) {
        break;
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  const Outcome whole = requests_of(bytes, size + 1);
  const Outcome cut = requests_of(bytes, 1);

  MC_ASSERT(whole == cut, "cutting changes nothing");
  return 0;
}
