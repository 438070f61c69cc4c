// The [backup] section of the agent's configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dsl/config/config.h"
#include "mcp/recovery/retention.h"
#include "mcp/recovery/target.h"

namespace mcp::recovery {

struct Config {
  std::vector<std::string> targets;
  std::string directory;  // empty = "recovery" beside the registry
  std::string images = "used";
  std::vector<std::string> replicas;  // empty = "replicas" in the data root
  std::chrono::milliseconds keep_within = RetentionRule().keep_within;
  std::int64_t daily = RetentionRule().daily;
  std::int64_t weekly = RetentionRule().weekly;
  std::int64_t monthly = RetentionRule().monthly;
  std::chrono::milliseconds min_age = RetentionRule().min_age;
  std::chrono::milliseconds due_after{std::chrono::hours(25)};
  SshOptions ssh;

  void bind(dsl::config::Table& table);
  RetentionRule retention() const;
};

}  // namespace mcp::recovery
