#include "mcp/agent/schema.h"

namespace mcp::agent {

namespace {

// Times are milliseconds since the Unix epoch.
constexpr std::string_view kInitial = R"sql(
CREATE TABLE node(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  name TEXT NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
  graph_root TEXT NOT NULL, run_root TEXT NOT NULL, boot_id TEXT NOT NULL,
  podman_version TEXT NOT NULL, agent_version TEXT NOT NULL,
  initialized INTEGER NOT NULL DEFAULT 0, first_seen INTEGER NOT NULL) STRICT;

CREATE TABLE services(
  name TEXT PRIMARY KEY, active INTEGER NOT NULL, tier TEXT NOT NULL, essential INTEGER NOT NULL,
  generation INTEGER NOT NULL, definition_toml TEXT NOT NULL, resolved_json TEXT NOT NULL,
  sha256 TEXT NOT NULL, updated_at INTEGER NOT NULL, updated_by TEXT NOT NULL) STRICT;

CREATE TABLE components(
  service TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE, name TEXT NOT NULL,
  position INTEGER NOT NULL, container TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,
  image TEXT NOT NULL, image_digest TEXT NOT NULL,
  should_run INTEGER NOT NULL, adopted INTEGER NOT NULL, container_id TEXT NOT NULL,
  PRIMARY KEY(service, name)) STRICT;

CREATE TABLE edges(
  service TEXT NOT NULL REFERENCES services(name) ON DELETE CASCADE,
  depends_on TEXT NOT NULL, PRIMARY KEY(service, depends_on)) STRICT;

CREATE TABLE routes(
  service TEXT NOT NULL, component TEXT NOT NULL, name TEXT NOT NULL,
  mode TEXT NOT NULL, listen_port INTEGER NOT NULL, hostname TEXT NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY(service, component, name, hostname),
  FOREIGN KEY(service, component) REFERENCES components(service, name) ON DELETE CASCADE) STRICT;

CREATE TABLE ports(
  host_ip TEXT NOT NULL, port INTEGER NOT NULL, protocol TEXT NOT NULL,
  service TEXT NOT NULL, component TEXT NOT NULL, fixed INTEGER NOT NULL, route TEXT NOT NULL,
  PRIMARY KEY(host_ip, port, protocol),
  FOREIGN KEY(service, component) REFERENCES components(service, name) ON DELETE CASCADE) STRICT;

CREATE TABLE history(
  service TEXT NOT NULL, generation INTEGER NOT NULL, definition_toml TEXT NOT NULL,
  resolved_json TEXT NOT NULL, image_digests TEXT NOT NULL, time INTEGER NOT NULL,
  actor TEXT NOT NULL, PRIMARY KEY(service, generation)) STRICT;

CREATE TABLE operations(
  id TEXT PRIMARY KEY, request_id TEXT NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL,
  component TEXT NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL,
  journal TEXT NOT NULL, result BLOB, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL) STRICT;
CREATE INDEX operations_request ON operations(request_id) WHERE request_id <> '';
CREATE INDEX operations_state ON operations(state);

CREATE TABLE boot_runs(
  id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, reason TEXT NOT NULL, stage TEXT NOT NULL,
  state TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL) STRICT;
CREATE TABLE boot_items(
  run INTEGER NOT NULL REFERENCES boot_runs(id) ON DELETE CASCADE, component TEXT NOT NULL,
  stage TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, gate TEXT NOT NULL,
  error TEXT NOT NULL, ms INTEGER NOT NULL, started_seq INTEGER NOT NULL,
  healthy_seq INTEGER NOT NULL, PRIMARY KEY(run, component)) STRICT;

CREATE TABLE events(
  id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, service TEXT NOT NULL,
  component TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL, message TEXT NOT NULL,
  data TEXT NOT NULL) STRICT;
CREATE INDEX events_service ON events(service, id);
)sql";

}  // namespace

const std::vector<dsl::db::Migration>& registry_migrations() {
  static const std::vector<dsl::db::Migration> migrations{{1, "initial", kInitial}};
  return migrations;
}

}  // namespace mcp::agent
