// A program that only loads its configuration: what tests/support/bad_config.h is tried on.
#include <cstdio>

#include "dsl/config/config.h"

int main(int argc, char** argv) {
  std::string listen;
  std::int64_t workers = 4;
  std::chrono::milliseconds tick{1000};
  dsl::config::Table table("refuse");
  table.text("server.listen", &listen).required();
  table.integer("server.workers", &workers).range("1", "64");
  table.duration("server.tick", &tick);

  dsl::config::Sources sources;
  sources.file = argc > 1 ? argv[1] : "";
  if (const auto loaded = table.load(dsl::env::system_env(), sources); !loaded) {
    std::fprintf(stderr, "%s\n", loaded.error().render().c_str());
    return loaded.error().exit_code();
  }
  std::puts(table.effective().c_str());
  return dsl::kExitOk;
}
