// The same route written by hand, as a service would have it: for users, who are asked for by the
// same gate, its answer made of the same fields.
//
// usage: rest_hand_server CERT KEY     prints its address, serves until its stdin ends
#include <cstdio>

#include <boost/json/serialize.hpp>

#include "dsl/env/clock.h"
#include "dsl/transcode/transcode.h"
#include "rest/node_api.h"
#include "serve.h"

namespace {

std::string body() {
  const boost::json::object node{
      {"name", "rift"},
      {"role", "node"},
      {"version", "1.4.0"},
      {"started",
       dsl::env::format_time(dsl::env::WallTime(std::chrono::milliseconds(1775205900250)))},
      {"services", 12},
      {"healthy", 12},
      {"addresses", {"192.168.88.181", "100.95.252.120"}}};
  return boost::json::serialize(node) + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: rest_hand_server CERT KEY\n", stderr);
    return 2;
  }
  auto api = bench::node_api();
  if (!api) {
    std::fprintf(stderr, "%s\n", api.error().render().c_str());
    return 1;
  }
  dsl::http::Router router;
  router.add(
      {.pattern = "/v1/node",
       .access = dsl::http::Access::kUser,
       .handle = [](dsl::http::Exchange& exchange) {
         exchange.reply(
             {200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}, body()});
       }});
  return bench::serve(std::move(router), argv[1], argv[2],
                      dsl::transcode::authorizer(std::move(*api)));
}
