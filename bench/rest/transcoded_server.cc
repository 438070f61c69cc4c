// The same answer from a method of the table, through the whole chain and transcoding.
//
// usage: rest_transcoded_server CERT KEY     prints its address, serves until its stdin ends
#include <cstdio>

#include "dsl/transcode/transcode.h"
#include "rest/node_api.h"
#include "serve.h"

namespace {

dsl::Result<dsl::http::Router> routes() {
  MC_ASSIGN(auto api, bench::node_api());
  dsl::http::Router router;
  MC_TRY(dsl::transcode::add_routes(router, std::move(api)));
  return router;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: rest_transcoded_server CERT KEY\n", stderr);
    return 2;
  }
  auto router = routes();
  if (!router) {
    std::fprintf(stderr, "%s\n", router.error().render().c_str());
    return 1;
  }
  return bench::serve(std::move(*router), argv[1], argv[2]);
}
