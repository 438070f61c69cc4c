#include "mcp/agent/registry.h"

#include <boost/json.hpp>

#include "mcp/agent/schema.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::Code;
using dsl::fail;
using dsl::db::Row;
using dsl::db::Transaction;

namespace {

constexpr int kHistoryKept = 20;
constexpr const char* kRestoreCommand =
    "mcp-agent restore, or without replica and copy: mcp-agent rebuild";

std::string digests_to_json(const ServiceRecord& record) {
  json::object object;
  for (const ComponentRecord& component : record.components) {
    object[component.name] = component.image_digest;
  }
  return json::serialize(object);
}

std::map<std::string, std::string> digests_from_json(const std::string& text) {
  std::map<std::string, std::string> out;
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (!error && value.is_object()) {
    for (const auto& member : value.get_object()) {
      if (member.value().is_string()) {
        out.emplace(member.key(), member.value().get_string());
      }
    }
  }
  return out;
}

Result<ServiceRecord> service_from_row(Row& row) {
  ServiceRecord record;
  MC_ASSIGN(record.service,
            dsl::with_context(model::service_from_json(row.text(1)),
                              dsl::text("registry row of service {}", row.text(0))));
  record.definition_toml = row.text(2);
  record.sha256 = row.text(3);
  record.generation = row.integer(4);
  record.updated_ms = row.integer(5);
  record.updated_by = row.text(6);
  return record;
}

Result<void> load_parts(Transaction& tx, ServiceRecord& record) {
  MC_TRY(tx.query(
      "SELECT name, container, sha256, image, image_digest, should_run, adopted, container_id "
      "FROM components WHERE service = ? ORDER BY position",
      [&](Row& row) -> Result<void> {
        record.components.push_back({.service = record.service.name,
                                     .name = row.text(0),
                                     .container = row.text(1),
                                     .sha256 = row.text(2),
                                     .image = row.text(3),
                                     .image_digest = row.text(4),
                                     .should_run = row.boolean(5),
                                     .adopted = row.boolean(6),
                                     .container_id = row.text(7)});
        return {};
      },
      record.service.name));
  return tx.query(
      "SELECT component, route, port FROM ports WHERE service = ? AND fixed = 0 "
      "ORDER BY component, route",
      [&](Row& row) -> Result<void> {
        record.ports.push_back({.component = row.text(0),
                                .route = row.text(1),
                                .host_port = static_cast<std::uint16_t>(row.integer(2))});
        return {};
      },
      record.service.name);
}

constexpr std::string_view kSelectService =
    "SELECT name, resolved_json, definition_toml, sha256, generation, updated_at, updated_by "
    "FROM services ";

Result<void> insert_ports(Transaction& tx, const ServiceRecord& record) {
  const std::string& service = record.service.name;
  const auto insert = [&](std::string_view ip, std::uint32_t port, std::string_view protocol,
                          std::string_view component, bool fixed,
                          std::string_view route) -> Result<void> {
    Result<void> added = tx.run(
        "INSERT INTO ports(host_ip, port, protocol, service, component, fixed, route) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)",
        ip, port, protocol, service, component, fixed, route);
    if (!added && added.error().code() == Code::kConflict) {
      return fail(Code::kConflict, "port {}:{}/{} belongs to another service", ip, port, protocol)
          .hint("mcp ports shows the owner");
    }
    return added;
  };
  for (const model::Component& component : record.service.components) {
    for (const model::Port& port : component.ports) {
      for (std::uint32_t i = 0; i < port.count; ++i) {
        MC_TRY(insert(port.host_ip, port.host + i, port.protocol, component.name, true, ""));
      }
    }
    // The name stands in the column of routes, which only allocated ports have.
    for (const model::Socket& socket : component.sockets) {
      MC_TRY(
          insert(socket.host_ip, socket.host, socket.protocol, component.name, true, socket.name));
    }
  }
  for (const model::Allocation& port : record.ports) {
    MC_TRY(insert("127.0.0.1", port.host_port, "tcp", port.component, false, port.route));
  }
  return {};
}

Result<void> insert_components(Transaction& tx, const ServiceRecord& record) {
  std::int64_t position = 0;
  for (const ComponentRecord& component : record.components) {
    MC_TRY(tx.run(
        "INSERT INTO components(service, name, position, container, sha256, image, image_digest, "
        "should_run, adopted, container_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        record.service.name, component.name, position++, component.container, component.sha256,
        component.image, component.image_digest, component.should_run, component.adopted,
        component.container_id));
  }
  for (const std::string& edge : record.service.depends_on) {
    MC_TRY(tx.run("INSERT OR IGNORE INTO edges(service, depends_on) VALUES(?, ?)",
                  record.service.name, edge));
  }
  for (const model::Component& component : record.service.components) {
    for (const model::Route& route : component.routes) {
      for (const std::string& hostname : route.hostnames) {
        MC_TRY(tx.run(
            "INSERT INTO routes(service, component, name, mode, listen_port, hostname, state) "
            "VALUES(?, ?, ?, ?, ?, ?, 'not-configured')",
            record.service.name, component.name, route.name, route.mode, route.port, hostname));
      }
    }
  }
  return {};
}

// Of the service as it is, or as it was when it was undeployed; 0 when the registry never had it.
Result<std::int64_t> newest_generation(Transaction& tx, const std::string& name) {
  std::int64_t generation = 0;
  MC_TRY(tx.query(
      "SELECT max(coalesce((SELECT generation FROM services WHERE name = ?), 0), "
      "coalesce((SELECT max(generation) FROM history WHERE service = ?), 0))",
      [&](Row& row) -> Result<void> {
        generation = row.integer(0);
        return {};
      },
      name, name));
  return generation;
}

Result<void> replace_service(Transaction& tx, const ServiceRecord& record, std::string_view actor,
                             dsl::env::WallTime now) {
  const std::string& name = record.service.name;
  MC_TRY(tx.run("DELETE FROM services WHERE name = ?", name));
  const std::string resolved = model::canonical_json(record.service);
  MC_TRY(
      tx.run("INSERT INTO services(name, active, tier, essential, generation, definition_toml, "
             "resolved_json, sha256, updated_at, updated_by) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
             name, record.service.active, record.service.tier, record.service.essential,
             record.generation, record.definition_toml, resolved, record.sha256, now, actor));
  MC_TRY(insert_components(tx, record));
  MC_TRY(insert_ports(tx, record));
  MC_TRY(tx.run(
      "INSERT INTO history(service, generation, definition_toml, resolved_json, image_digests, "
      "time, actor) VALUES(?, ?, ?, ?, ?, ?, ?)",
      name, record.generation, record.definition_toml, resolved, digests_to_json(record), now,
      actor));
  return tx.run("DELETE FROM history WHERE service = ? AND generation <= ?", name,
                record.generation - kHistoryKept);
}

}  // namespace

const ComponentRecord* ServiceRecord::find(std::string_view component) const {
  for (const ComponentRecord& record : components) {
    if (record.name == component) {
      return &record;
    }
  }
  return nullptr;
}

Result<std::unique_ptr<Registry>> Registry::open(dsl::env::Env& env, const std::string& path,
                                                 const dsl::replica::Options& replica) {
  std::unique_ptr<Registry> registry(new Registry(env));
  MC_ASSIGN(registry->db_, dsl::db::Database::open(env, path,
                                                   {.migrations = registry_migrations(),
                                                    .replica = replica,
                                                    .restore_command = kRestoreCommand}));
  return registry;
}

Result<std::unique_ptr<Registry>> Registry::open_as_guest(dsl::env::Env& env,
                                                          const std::string& path) {
  std::unique_ptr<Registry> registry(new Registry(env));
  MC_ASSIGN(registry->db_, dsl::db::Database::open(
                               env, path, {.migrations = registry_migrations(), .owner = false}));
  return registry;
}

Result<bool> Registry::initialized() {
  bool initialized = false;
  MC_TRY(db_->query("SELECT initialized FROM node", [&](Row& row) -> Result<void> {
    initialized = row.boolean(0);
    return {};
  }));
  return initialized;
}

Result<void> Registry::set_initialized() {
  return db_->write([](Transaction& tx) { return tx.run("UPDATE node SET initialized = 1"); });
}

Result<std::optional<NodeRecord>> Registry::node() {
  std::optional<NodeRecord> node;
  MC_TRY(db_->query(
      "SELECT name, uid, gid, graph_root, run_root, boot_id, podman_version, agent_version "
      "FROM node",
      [&](Row& row) -> Result<void> {
        node = NodeRecord{.name = row.text(0),
                          .uid = static_cast<std::uint32_t>(row.integer(1)),
                          .gid = static_cast<std::uint32_t>(row.integer(2)),
                          .graph_root = row.text(3),
                          .run_root = row.text(4),
                          .boot_id = row.text(5),
                          .podman_version = row.text(6),
                          .agent_version = row.text(7)};
        return {};
      }));
  return node;
}

Result<void> Registry::set_node(const NodeRecord& node) {
  return db_->write([&](Transaction& tx) {
    return tx.run(
        "INSERT INTO node(id, name, uid, gid, graph_root, run_root, boot_id, podman_version, "
        "agent_version, first_seen) VALUES(1, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET name = excluded.name, uid = excluded.uid, "
        "gid = excluded.gid, graph_root = excluded.graph_root, run_root = excluded.run_root, "
        "boot_id = excluded.boot_id, podman_version = excluded.podman_version, "
        "agent_version = excluded.agent_version",
        node.name, node.uid, node.gid, node.graph_root, node.run_root, node.boot_id,
        node.podman_version, node.agent_version, env_.clock().now());
  });
}

Result<std::vector<ServiceRecord>> Registry::services() {
  return db_->read([](Transaction& tx) -> Result<std::vector<ServiceRecord>> {
    std::vector<ServiceRecord> records;
    MC_TRY(tx.query(dsl::text("{}ORDER BY name", kSelectService), [&](Row& row) -> Result<void> {
      MC_ASSIGN(ServiceRecord record, service_from_row(row));
      records.push_back(std::move(record));
      return {};
    }));
    for (ServiceRecord& record : records) {
      MC_TRY(load_parts(tx, record));
    }
    return records;
  });
}

Result<std::optional<ServiceRecord>> Registry::service(std::string_view name) {
  return db_->read([&](Transaction& tx) -> Result<std::optional<ServiceRecord>> {
    std::optional<ServiceRecord> found;
    MC_TRY(tx.query(
        dsl::text("{}WHERE name = ?", kSelectService),
        [&](Row& row) -> Result<void> {
          MC_ASSIGN(found, service_from_row(row));
          return {};
        },
        name));
    if (found) {
      MC_TRY(load_parts(tx, *found));
    }
    return found;
  });
}

Result<void> Registry::put_service(const ServiceRecord& record, std::string_view actor) {
  return db_->write([&](Transaction& tx) { return put_service(tx, record, actor); });
}

Result<void> Registry::put_service(Transaction& tx, const ServiceRecord& record,
                                   std::string_view actor) {
  const std::string& name = record.service.name;
  MC_ASSIGN(const std::int64_t stored, newest_generation(tx, name));
  if (record.generation != stored + 1) {
    return fail(Code::kConflict, "service {} is at generation {}, not {}", name, stored,
                record.generation - 1)
        .hint("somebody else changed it; look with mcp status and try again");
  }
  return replace_service(tx, record, actor, env_.clock().now());
}

Result<void> Registry::take_over_service(const ServiceRecord& record, std::string_view actor) {
  return db_->write([&](Transaction& tx) { return take_over_service(tx, record, actor); });
}

Result<void> Registry::take_over_service(Transaction& tx, const ServiceRecord& record,
                                         std::string_view actor) {
  const std::string& name = record.service.name;
  MC_ASSIGN(const std::int64_t stored, newest_generation(tx, name));
  if (stored != 0) {
    return fail(Code::kConflict, "the registry knows service {}, at generation {}", name, stored)
        .hint("somebody else registered it; look with mcp status and try again");
  }
  return replace_service(tx, record, actor, env_.clock().now());
}

Result<void> Registry::remove_service(std::string_view name) {
  return db_->write(
      [&](Transaction& tx) { return tx.run("DELETE FROM services WHERE name = ?", name); });
}

Result<void> Registry::set_should_run(std::string_view service, std::string_view component,
                                      bool should_run) {
  return db_->write([&](Transaction& tx) {
    return tx.run("UPDATE components SET should_run = ? WHERE service = ? AND name = ?", should_run,
                  service, component);
  });
}

Result<void> Registry::set_container(std::string_view service, std::string_view component,
                                     std::string_view id, std::string_view image_digest) {
  return db_->write([&](Transaction& tx) {
    return tx.run(
        "UPDATE components SET container_id = ?, image_digest = ? WHERE service = ? AND name = ?",
        id, image_digest, service, component);
  });
}

Result<void> Registry::set_adopted(std::string_view service, std::string_view component,
                                   bool adopted) {
  return db_->write([&](Transaction& tx) {
    return tx.run("UPDATE components SET adopted = ? WHERE service = ? AND name = ?", adopted,
                  service, component);
  });
}

Result<std::vector<HistoryEntry>> Registry::history(std::string_view service) {
  std::vector<HistoryEntry> entries;
  MC_TRY(db_->query(
      "SELECT generation, resolved_json, definition_toml, image_digests, time, actor "
      "FROM history WHERE service = ? ORDER BY generation DESC",
      [&](Row& row) -> Result<void> {
        HistoryEntry entry;
        entry.generation = row.integer(0);
        MC_ASSIGN(entry.service, model::service_from_json(row.text(1)));
        entry.definition_toml = row.text(2);
        entry.image_digests = digests_from_json(row.text(3));
        entry.time_ms = row.integer(4);
        entry.actor = row.text(5);
        entries.push_back(std::move(entry));
        return {};
      },
      service));
  return entries;
}

Result<std::set<std::string>> Registry::names_in_history() {
  std::set<std::string> names;
  MC_TRY(db_->query("SELECT DISTINCT service FROM history", [&](Row& row) -> Result<void> {
    names.insert(row.text(0));
    return {};
  }));
  return names;
}

Result<std::vector<PortRecord>> Registry::ports() {
  std::vector<PortRecord> ports;
  MC_TRY(db_->query(
      "SELECT host_ip, port, protocol, service || '/' || component, fixed, route FROM ports "
      "ORDER BY port, host_ip, protocol",
      [&](Row& row) -> Result<void> {
        const bool fixed = row.boolean(4);
        ports.push_back({.host_ip = row.text(0),
                         .port = static_cast<std::uint16_t>(row.integer(1)),
                         .protocol = row.text(2),
                         .owner = row.text(3),
                         .fixed = fixed,
                         .route = fixed ? "" : row.text(5),
                         .socket = fixed ? row.text(5) : ""});
        return {};
      }));
  return ports;
}

}  // namespace mcp::agent
