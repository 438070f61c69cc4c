// A route over TLS 1.3 that anybody may call and that has its answer ready: what dsl::http costs.
//
// usage: rest_plain_server CERT KEY     prints its address, serves until its stdin ends
#include <cstdio>
#include <string>
#include <string_view>

#include "serve.h"

namespace {

// The same bytes that nginx serves from a file, and that transcoding makes of a message.
constexpr std::string_view kBody =
    R"({"name":"rift","role":"node","version":"1.4.0","started":"2026-04-03T08:45:00.250Z",)"
    R"("services":12,"healthy":12,"addresses":["192.168.88.181","100.95.252.120"]})"
    "\n";

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--body") {
    return std::fwrite(kBody.data(), 1, kBody.size(), stdout) == kBody.size() ? 0 : 1;
  }
  if (argc != 3) {
    std::fputs("usage: rest_plain_server CERT KEY | --body\n", stderr);
    return 2;
  }
  dsl::http::Router router;
  router.add({.pattern = "/v1/node",
              .access = dsl::http::Access::kPublic,
              .handle = [](dsl::http::Exchange& exchange) {
                exchange.reply({200, {{"content-type", "application/json"}}, std::string(kBody)});
              }});
  return bench::serve(std::move(router), argv[1], argv[2]);
}
