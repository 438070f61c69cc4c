// A hand-written route over TLS 1.3, as a service would have it without transcoding.
//
// usage: rest_plain_server CERT KEY     prints its address, serves until its stdin ends
#include <cstdio>
#include <memory>

#include <unistd.h>

#include "dsl/http/server.h"
#include "fixed_credentials.h"

namespace {

// The same bytes that nginx serves from a file.
constexpr std::string_view kBody =
    R"({"name":"rift","role":"node","version":"1.4.0","started":"2026-04-03T08:45:00.000Z",)"
    R"("services":12,"healthy":12,"addresses":["192.168.88.181","100.95.252.120"]})";

}  // namespace

int main(int argc, char** argv) {
  using namespace dsl;
  if (argc == 2 && std::string_view(argv[1]) == "--body") {
    return std::fwrite(kBody.data(), 1, kBody.size(), stdout) == kBody.size() ? 0 : 1;
  }
  if (argc != 3) {
    std::fputs("usage: rest_plain_server CERT KEY | --body\n", stderr);
    return 2;
  }
  http::Router router;
  router.add({.pattern = "/v1/node", .access = http::Access::kPublic, .handle = [](auto& exchange) {
                exchange.reply({200, {{"content-type", "application/json"}}, std::string(kBody)});
              }});
  http::ServerOptions options;
  options.listeners = {
      {.address = "127.0.0.1:0", .tls = bench::fixed_credentials(argv[1], argv[2])}};
  options.queue_max = 1024;  // more than the load has requests under way
  auto server = http::Server::start(env::system_env(), std::move(router), std::move(options));
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().render().c_str());
    return 1;
  }
  std::printf("%s\n", (*server)->addresses().at(0).c_str());
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  (*server)->stop(std::chrono::seconds(5));
  return 0;
}
