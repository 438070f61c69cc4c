// Containers that reach files which the agent's user can not: those of subordinate ids. Each runs
// mcp-ns as root of the containers' user namespace over the one directory of a service, without a
// network, and hands opened files to the agent.
//
// It is made through podman's API, since the agent may be under no-new-privileges, where a
// namespace cannot be entered.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/files/perform.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

using dsl::Result;

// Thread-safe; requests for one service are done one after the other. A helper is started when it
// is first needed and ends by itself: after a minute without a request, and with the agent.
class NamespaceHelpers {
 public:
  NamespaceHelpers(dsl::env::Env& env, const Config& config, runtime::Runtime& runtime)
      : env_(env), config_(config), runtime_(runtime) {}

  // As files::perform below `directory`, which is the service's. Ids in the answer are those that
  // containers see. kUnavailable when there is no helper to be had.
  Result<files::Performed> perform(const std::string& service, const std::string& directory,
                                   const files::Request& request);

 private:
  struct Helper {
    std::mutex mutex;
    files::UniqueFd line;         // guarded by mutex
    std::uint64_t directory = 0;  // inode of what it has mounted; guarded by mutex
  };

  Result<files::UniqueFd> start(const std::string& service, const std::string& directory);
  Result<files::UniqueFd> wait_for(int listener, const std::string& container);
  Result<std::string> create(const std::string& service, const std::string& directory,
                             const std::string& exchange);
  // Where the helper's root directory and the sockets are.
  std::string folder() const;
  Result<void> install();

  dsl::env::Env& env_;
  const Config& config_;
  runtime::Runtime& runtime_;
  std::mutex mutex_;
  bool installed_ = false;                                  // guarded by mutex_
  std::map<std::string, std::unique_ptr<Helper>> helpers_;  // by service; guarded by mutex_
};

}  // namespace mcp::agent
