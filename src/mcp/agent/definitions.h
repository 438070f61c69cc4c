// sync and adopt: the registry learns what should be there, and no container is restarted.
//
// A service that the registry has never had may run already, since a former registry was lost: it
// keeps the ports, the generation and the desired state that mirror and containers tell of.
#pragma once

#include <string>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/containers.h"
#include "mcp/agent/events.h"
#include "mcp/agent/locks.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/rebuild_sources.h"
#include "mcp/agent/registry.h"
#include "mcp/v1/agent.pb.h"

namespace mcp::agent {

namespace pb = mcp::v1;

// Thread-safe.
class Definitions {
 public:
  Definitions(dsl::env::Env& env, const Config& config, Registry& registry, Mirror& mirror,
              runtime::Runtime& runtime, Containers& containers, EventLog& events,
              ServiceLocks& locks)
      : env_(env),
        config_(config),
        registry_(registry),
        mirror_(mirror),
        runtime_(runtime),
        containers_(containers),
        events_(events),
        locks_(locks) {}

  // All definitions must be valid, or none is recorded. What changes takes effect at the next
  // deploy. With `prune`, services without a definition are marked inactive. With `init` containers
  // that are what the definition of a new service says become its own, and the reply tells of each.
  Result<pb::SyncReply> sync(const pb::SyncRequest& request, const std::string& actor);

  // Containers that somebody else made become the service's, if their settings are those of the
  // definition; all of them or none.
  Result<pb::AdoptReply> adopt(const pb::AdoptRequest& request, const std::string& actor);

 private:
  // `remains`: what is left of services that the registry has never had.
  Result<ServiceRecord> record_for(const model::Service& service, const std::string& toml,
                                   const std::optional<ServiceRecord>& former,
                                   const Remains& remains);
  // Without `must_look` it does without containers while podman is away.
  Result<Remains> remains_of(std::vector<Finding> definitions, bool must_look);
  Result<void> store(const ServiceRecord& record, const std::string& actor);
  struct Sync {
    bool dry_run = false;
    bool adopt = false;
    const std::string& actor;
    const Remains& remains;
  };
  Result<pb::SyncReply::Row> sync_one(const model::Service& service, const std::string& toml,
                                      const Sync& how);
  Result<void> tell_of_containers(const ServiceRecord& record, const Remains& remains,
                                  pb::SyncReply::Row& row);
  Result<ServiceRecord> adoption_target(const pb::AdoptRequest& request);

  dsl::env::Env& env_;
  const Config& config_;
  Registry& registry_;
  Mirror& mirror_;
  runtime::Runtime& runtime_;
  Containers& containers_;
  EventLog& events_;
  ServiceLocks& locks_;
};

}  // namespace mcp::agent
