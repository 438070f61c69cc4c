// The commands about a service's replica: `restore`, and `replica list|verify|export-wal`. They
// work without the service, on what lies in the mirrors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/cli/cli.h"
#include "dsl/env/env.h"
#include "dsl/replica/config.h"
#include "dsl/restore/restore.h"
#include "dsl/result/result.h"

namespace dsl::restore {

// What a service's configuration says about its database.
struct Settings {
  std::string database;  // path
  replica::Config replica;
};

// Holds what the options write to: must outlive `cli::run`, like the env and the globals.
class Commands {
 public:
  // `settings` reads the configuration; asked when a command runs.
  // `restored` brings back what else belongs to the state of the service, beside the database at
  // the path that it gets; not called by --to and --dry-run.
  Commands(std::string program, env::Env& env, const cli::Globals& globals,
           std::function<Result<Settings>()> settings,
           std::function<Result<void>(const std::string& database)> restored = {});
  Commands(const Commands&) = delete;
  Commands& operator=(const Commands&) = delete;

  std::vector<cli::Command> list();

 private:
  Result<int> restore();
  Result<int> list_replica();
  Result<int> verify();
  Result<int> export_wal();
  Result<replica::Identities> identities(const Settings& settings) const;
  Result<Request> request(const Settings& settings) const;
  Result<std::vector<std::string>> mirrors(const Settings& settings) const;

  const std::string program_;
  env::Env& env_;
  const cli::Globals& globals_;
  const std::function<Result<Settings>()> settings_;
  const std::function<Result<void>(const std::string&)> restored_;
  std::string at_;
  std::string from_;
  std::string to_;
  std::string identity_;
  bool allow_gap_ = false;
};

}  // namespace dsl::restore
