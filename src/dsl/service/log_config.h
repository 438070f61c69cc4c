// The [log] keys that every service has.
#pragma once

#include <map>
#include <string>

#include "dsl/config/config.h"
#include "dsl/log/log.h"

namespace dsl::service {

// Bound to a table, so it must outlive it.
class LogConfig {
 public:
  void bind(config::Table& table);
  // Format "auto": for the journal under systemd ($JOURNAL_STREAM), text otherwise.
  Result<log::Options> options(env::Env& env, const std::string& service) const;
  // Sets the levels of the process and of single components, at start and after a reload.
  void apply_levels() const;

 private:
  Result<void> check() const;

  std::string level_ = "info";
  std::string format_ = "auto";
  std::map<std::string, std::string> components_;
};

}  // namespace dsl::service
