// The [replica] section of a service's configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "dsl/replica/replica.h"
#include "dsl/result/result.h"

namespace dsl::replica {

struct Config {
  std::vector<std::string> mirrors;
  std::vector<std::string> sync_mirrors;
  std::string on_sync_failure = "degrade";
  std::string encryption = "age";
  std::vector<std::string> recipients;
  std::string identity_file;
  std::uint64_t spool_max = Options().spool_max;
  std::chrono::milliseconds base_every = Options().base_every;
  std::chrono::milliseconds keep = Options().keep;

  void bind(config::Table& table);
  // After `load`, which has checked the values.
  Options options() const;
  // Every mirror, those with `sync` first.
  std::vector<std::string> directories() const;
};

}  // namespace dsl::replica
