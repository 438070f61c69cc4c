// The directories of services, looked at and written to below them, with the agent's own rights or
// through the namespace helper.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/id_view.h"
#include "mcp/agent/namespace_helper.h"
#include "mcp/agent/registry.h"
#include "mcp/files/perform.h"
#include "mcp/files/service_path.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// A path of a registered service.
struct FilePlace {
  std::string service;
  std::string directory;  // on the host
  files::ServicePath at;

  // For people: "mcr/conf/app.toml".
  std::string text() const;
  FilePlace moved(files::ServicePath to) const;
};

// Thread-safe.
class ServiceFiles {
 public:
  ServiceFiles(dsl::env::Env& env, const Config& config, Registry& registry,
               NamespaceHelpers& helpers)
      : env_(env), config_(config), registry_(registry), helpers_(helpers) {}

  // kNotFound for a service that is not registered, kInvalidArgument for a path that leads out.
  Result<FilePlace> place(const std::string& service, const std::string& path);

  struct Done {
    files::Answer answer;  // its error is 0
    files::UniqueFd fd;
    bool by_helper = false;
  };
  // Does what `request` says at `place`, whose path it gets. The helper is asked where the agent
  // may not. Errors say what is to be done next.
  Result<Done> perform(const FilePlace& place, files::Request request);

  // What `place` is; nothing when there is no such file. A link itself unless `follow`.
  Result<std::optional<Done>> look(const FilePlace& place, bool follow);

  pb::FileState describe(const std::string& path, const files::Info& info, bool by_helper);

 private:
  Result<Done> perform_as(const FilePlace& place, const files::Request& request);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  NamespaceHelpers& helpers_;
  std::once_flag views_read_;
  std::optional<IdViews>
      views_;  // as at the first question: podman keeps to what it has found, too
};

// kFailedPrecondition or kInvalidArgument unless it is a regular file.
Result<void> require_file(const FilePlace& place, const files::Info& info);

// A name as it may be shown and sent: bytes that are no UTF-8, or that a terminal would obey, as
// \xNN.
std::string shown_name(const std::string& name);

}  // namespace mcp::agent
