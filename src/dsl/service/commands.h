// The commands that every service's binary has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/service/service.h"

namespace dsl::service {

// `server`, `check-config`, `openapi` and `config reference`; `version` and `completion` come from
// dsl::cli.
//
//   mcq::Service service;
//   cli::Globals globals;
//   service::Commands commands("mcq", service, globals);
//   const cli::App app{.name = "mcq", .summary = "...", .commands = commands.list()};
//   return cli::run(app, globals, argc, argv);
//
// Holds what the options write to: must outlive `cli::run`, like the service and the globals.
class Commands {
 public:
  // Without --config the file is /srv/<name>/<name>.toml, which may be missing.
  Commands(std::string name, Service& service, const cli::Globals& globals);
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  std::vector<cli::Command> list();

 private:
  Result<int> serve();
  Result<int> check();
  Result<int> openapi();
  Result<config::Sources> sources() const;

  const std::string name_;
  Service& service_;
  const cli::Globals& globals_;
  std::int64_t ready_fd_ = -1;
  bool once_ = false;
  std::chrono::milliseconds grace_ = RunOptions().grace;
  std::vector<std::string> settings_;  // "key=value"
};

}  // namespace dsl::service
