// The mirror: every registered service as a file of its own, readable without SQLite, so that the
// registry can be rebuilt from it. docs/formats/mirror.md describes the file.
#pragma once

#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

// Thread-safe: a file is replaced whole. Written after the registry's commit; a power cut at any
// byte leaves the old or the new file.
class Mirror {
 public:
  Mirror(dsl::env::Env& env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  Result<void> write(const ServiceRecord& record);
  Result<void> remove(const std::string& service);

  // Writes what differs from the registry and removes what it does not know: after a crash between
  // commit and mirror.
  Result<void> reconcile(const std::vector<ServiceRecord>& services);

 private:
  std::string path(const std::string& service) const;
  dsl::env::Env& env_;
  const std::string directory_;
};

}  // namespace mcp::agent
