#include "serve.h"

#include <cstdio>
#include <memory>
#include <utility>

#include <unistd.h>

#include "dsl/tls/tls.h"

namespace bench {

namespace {

int failed(const dsl::Error& error) {
  std::fprintf(stderr, "%s\n", error.render().c_str());
  return 1;
}

}  // namespace

int serve(dsl::http::Router router, const char* cert, const char* key,
          decltype(dsl::http::ServerOptions::authorize) authorize) {
  dsl::env::Env& env = dsl::env::system_env();
  auto credentials =
      dsl::tls::ServerCredentials::open(env, {.pairs = {{cert, key}}, .alpn = {"h2", "http/1.1"}});
  if (!credentials) {
    return failed(credentials.error());
  }
  dsl::http::ServerOptions options;
  options.listeners = {{.address = "127.0.0.1:0", .tls = std::move(*credentials)}};
  options.authorize = std::move(authorize);
  options.queue_max = 1024;  // more than the load has requests under way
  const auto server = dsl::http::Server::start(env, std::move(router), std::move(options));
  if (!server) {
    return failed(server.error());
  }
  std::printf("%s\n", (*server)->addresses().at(0).c_str());
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  (*server)->stop(std::chrono::seconds(5));
  return 0;
}

}  // namespace bench
