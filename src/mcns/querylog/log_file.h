// The file of the query log.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dsl/env/env.h"
#include "dsl/result/result.h"

namespace mcns::querylog {

// Whole lines, appended: the processes of a hand-over may both write to it. When somebody has moved
// it away it is made anew, so logrotate needs neither `copytruncate` nor a signal. Confined to one
// thread.
class LogFile {
 public:
  // `env` outlives it.
  LogFile(dsl::env::Env& env, std::string path) : env_(env), path_(std::move(path)) {}

  // `lines` end with a line feed. On an error some of them may be there; the next write begins a
  // line of its own.
  dsl::Result<void> write(std::string_view lines);
  const std::string& path() const { return path_; }

 private:
  static constexpr std::uint32_t kMode = 0640;  // who asks for what is nobody else's business

  dsl::Result<void> open();

  dsl::env::Env& env_;
  const std::string path_;
  std::unique_ptr<dsl::env::File> file_;
  bool is_torn_ = false;
};

}  // namespace mcns::querylog
