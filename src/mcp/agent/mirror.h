// The mirror: every registered service as a file of its own, readable without SQLite, so that the
// registry can be rebuilt from it. docs/formats/mirror.md describes the file.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/registry.h"

namespace mcp::agent {

// Thread-safe: a file is replaced whole. Written after the registry's commit; a power cut at any
// byte leaves the old or the new file.
class Mirror {
 public:
  Mirror(dsl::env::Env& env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  // `changed` is called after each file that was written or removed. To be set before that.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  Result<void> write(const ServiceRecord& record);
  Result<void> remove(const std::string& service);

  // Writes what differs from the registry, and removes the files of services that it no longer has:
  // after a crash between commit and mirror. `once_known` are those that the registry has had.
  // Returns the files of all others: they stay, since they may be the last that is known of a
  // service whose registry was lost.
  Result<std::vector<std::string>> reconcile(const std::vector<ServiceRecord>& services,
                                             const std::set<std::string>& once_known);

 private:
  std::string path(const std::string& service) const;
  dsl::env::Env& env_;
  const std::string directory_;
  std::function<void()> changed_;
};

}  // namespace mcp::agent
