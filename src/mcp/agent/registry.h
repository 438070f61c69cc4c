// The agent's registry: what this node must run, and what has been done about it.
//
// One SQLite database. An empty one is `uninitialized`: the agent then changes no container until a
// first deploy, sync or adopt says so with --init.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/db/database.h"
#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/model/model.h"

namespace mcp::agent {

using dsl::Result;

struct ComponentRecord {
  std::string service;
  std::string name;
  std::string container;
  std::string sha256;  // model::component_sha256
  std::string image;
  std::string image_digest;  // of the image that the last deploy used; may be empty
  bool should_run = true;
  bool adopted = false;      // made by somebody else; has no labels of ours
  std::string container_id;  // last seen
};

struct ServiceRecord {
  model::Service service;
  std::string definition_toml;
  std::string sha256;
  std::int64_t generation = 0;
  std::int64_t updated_ms = 0;
  std::string updated_by;
  std::vector<ComponentRecord> components;  // in the order of service.components
  std::vector<model::Allocation> ports;

  const ComponentRecord* find(std::string_view component) const;
};

struct PortRecord {
  std::string host_ip;  // empty = every address
  std::uint16_t port = 0;
  std::string protocol;
  std::string owner;  // service/component
  bool fixed = true;
  std::string route;   // when allocated for one
  std::string socket;  // the name, when the agent holds a socket there
};

struct NodeRecord {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string graph_root;
  std::string run_root;
  std::string boot_id;
  std::string podman_version;
  std::string agent_version;
};

struct HistoryEntry {
  std::int64_t generation = 0;
  model::Service service;
  std::string definition_toml;
  std::map<std::string, std::string> image_digests;  // component -> digest
  std::int64_t time_ms = 0;
  std::string actor;
};

// Thread-safe. Every write is durable when it returns.
class Registry {
 public:
  // kDataLoss, kFailedPrecondition (newer schema), kPermissionDenied: the file is untouched then.
  static Result<std::unique_ptr<Registry>> open(dsl::env::Env& env, const std::string& path,
                                                const dsl::replica::Options& replica = {});
  // To look at the registry of an agent that may be running.
  static Result<std::unique_ptr<Registry>> open_as_guest(dsl::env::Env& env,
                                                         const std::string& path);

  dsl::db::Database& database() { return *db_; }
  int schema_version() const { return db_->schema_version(); }

  Result<bool> initialized();
  Result<void> set_initialized();

  Result<std::optional<NodeRecord>> node();
  Result<void> set_node(const NodeRecord& node);

  Result<std::vector<ServiceRecord>> services();
  Result<std::optional<ServiceRecord>> service(std::string_view name);

  // Replaces service, components, edges, ports and routes in one transaction and adds the history
  // entry (the last 20 are kept). `record.generation` must be the stored one + 1 (kConflict).
  Result<void> put_service(const ServiceRecord& record, std::string_view actor);
  // The same inside a transaction of the caller: the deploy's commit.
  Result<void> put_service(dsl::db::Transaction& tx, const ServiceRecord& record,
                           std::string_view actor);
  // A service that this registry has never had, at the generation that it has reached elsewhere:
  // what a rebuild or a first sync finds. kConflict when the registry knows it.
  Result<void> take_over_service(const ServiceRecord& record, std::string_view actor);
  Result<void> take_over_service(dsl::db::Transaction& tx, const ServiceRecord& record,
                                 std::string_view actor);
  // Removes service, components, ports, routes; the history stays.
  Result<void> remove_service(std::string_view name);
  Result<void> set_should_run(std::string_view service, std::string_view component,
                              bool should_run);
  Result<void> set_container(std::string_view service, std::string_view component,
                             std::string_view id, std::string_view image_digest);
  Result<void> set_adopted(std::string_view service, std::string_view component, bool adopted);

  Result<std::vector<HistoryEntry>> history(std::string_view service);
  // Every service that this registry has or has had.
  Result<std::set<std::string>> names_in_history();

  Result<std::vector<PortRecord>> ports();

 private:
  explicit Registry(dsl::env::Env& env) : env_(env) {}
  dsl::env::Env& env_;
  std::unique_ptr<dsl::db::Database> db_;
};

}  // namespace mcp::agent
