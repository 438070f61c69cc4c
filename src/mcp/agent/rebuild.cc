#include "mcp/agent/rebuild.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsl/db/database.h"
#include "dsl/restore/restore.h"
#include "mcp/agent/events.h"
#include "mcp/agent/mirror.h"
#include "mcp/agent/ports.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

// 2026-11-25T10:15:00.000Z as 20261125T101500Z.
std::string compact(dsl::env::WallTime time) {
  std::string stamp = dsl::env::format_time(time).substr(0, 19);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  return stamp + "Z";
}

Result<std::string> free_name(dsl::env::FileSystem& files, const std::string& wanted,
                              const std::vector<std::string>& endings) {
  std::string candidate = wanted;
  for (int n = 2;; ++n) {
    bool taken = false;
    for (const std::string& ending : endings) {
      MC_ASSIGN(const bool exists, files.exists(candidate + ending));
      taken = taken || exists;
    }
    if (!taken) {
      return candidate;
    }
    candidate = text("{}.{}", wanted, n);
  }
}

// As a restore does it, under a name that says what it was.
Result<dsl::restore::SetAside> set_aside_as_lost(dsl::env::Env& env, const std::string& database) {
  MC_ASSIGN(dsl::restore::SetAside aside, dsl::restore::what_to_set_aside(env, database));
  MC_ASSIGN(const bool cut_off, env.files().exists(database + ".restoring"));
  if (cut_off) {
    return aside;  // some of its files bear the name that its note holds
  }
  std::vector<std::string> endings;
  for (const auto& [from, to] : aside.moves) {
    endings.push_back(from.substr(database.size()));
  }
  MC_ASSIGN(aside.name,
            free_name(env.files(), database + ".lost-" + compact(env.clock().now()), endings));
  for (auto& [from, to] : aside.moves) {
    to = aside.name + from.substr(database.size());
  }
  return aside;
}

// A damaged file of a service that is rebuilt would be written over: it is kept, since its
// generation may have been newer.
Result<std::vector<std::string>> keep_damaged(dsl::env::Env& env, const RebuildPlan& plan,
                                              const Remains& remains) {
  std::vector<std::string> kept;
  for (const LeftOut& left : remains.left_out) {
    const bool rebuilt =
        std::any_of(plan.records.begin(), plan.records.end(),
                    [&](const auto& record) { return record.service.name == left.service; });
    if (left.source != Source::kMirror || !rebuilt) {
      continue;
    }
    MC_ASSIGN(const std::string kept_name,
              free_name(env.files(), left.place + ".damaged-" + compact(env.clock().now()), {""}));
    MC_TRY(env.files().rename(left.place, kept_name));
    kept.push_back(kept_name);
  }
  return kept;
}

Result<void> fill(dsl::env::Env& env, const std::string& path, const RebuildPlan& plan,
                  const NodeRecord& node) {
  MC_ASSIGN(const std::unique_ptr<Registry> registry, Registry::open(env, path));
  MC_TRY(registry->set_node(node));
  const auto take_over = [&](dsl::db::Transaction& tx) -> Result<void> {
    for (const ServiceRecord& record : plan.records) {
      MC_TRY(registry->take_over_service(tx, record, kRebuildActor));
    }
    return {};
  };
  MC_TRY(registry->database().write(take_over));
  MC_TRY(registry->set_initialized());
  EventLog(env, *registry)
      .add(Severity::kWarn, "rebuild", "", "",
           text("the registry was rebuilt with {} services", plan.records.size()));
  return {};
}

}  // namespace

Result<void> complete_ports(dsl::env::Env& env, const Config& config,
                            std::vector<ServiceRecord>& records) {
  std::vector<PortRecord> taken;
  const auto take = [&](const ServiceRecord& record, const std::string& component,
                        std::uint16_t port) {
    PortRecord row;
    row.host_ip = "127.0.0.1";
    row.port = port;
    row.protocol = "tcp";
    row.owner = record.service.name + "/" + component;
    taken.push_back(std::move(row));
  };
  for (const ServiceRecord& record : records) {
    for (const model::Component& component : record.service.components) {
      for (const model::Port& port : model::host_addresses(component)) {
        for (std::uint32_t i = 0; i < port.count; ++i) {
          take(record, component.name, static_cast<std::uint16_t>(port.host + i));
        }
      }
    }
    for (const model::Allocation& port : record.ports) {
      take(record, port.component, port.host_port);
    }
  }
  for (ServiceRecord& record : records) {
    MC_ASSIGN(std::vector<model::Allocation> ports,
              allocate_ports(env, config, record.service, record.ports, taken));
    record.ports = std::move(ports);
    for (const model::Allocation& port : record.ports) {
      take(record, port.component, port.host_port);
    }
  }
  return {};
}

Result<Rebuilt> carry_out(dsl::env::Env& env, const Config& config, const RebuildPlan& plan,
                          const Remains& remains, const NodeRecord& node) {
  const std::string& database = config.database_path;
  const std::string fresh = dsl::restore::temporary_name(database);
  MC_TRY(dsl::restore::remove_if_there(env.files(), fresh));
  MC_TRY(fill(env, fresh, plan, node));
  MC_TRY(dsl::db::Database::check_file(env, fresh));
  MC_TRY(dsl::restore::check_unused(env, database));  // by a reader beside the agent
  Rebuilt rebuilt;
  // Before the swap: an agent that starts after it repairs the mirror.
  MC_ASSIGN(rebuilt.kept_files, keep_damaged(env, plan, remains));
  MC_ASSIGN(const dsl::restore::SetAside aside, set_aside_as_lost(env, database));
  MC_TRY(dsl::restore::put_in_place(env, fresh, database, aside));
  rebuilt.lost = aside.moves.empty() ? "" : aside.name;
  Mirror mirror(env, config.specs_dir);
  for (const ServiceRecord& record : plan.records) {
    MC_TRY(mirror.write(record));
  }
  return rebuilt;
}

Result<Former> look_at_former(dsl::env::Env& env, const Config& config) {
  const std::string& path = config.database_path;
  MC_ASSIGN(const bool cut_off, env.files().exists(path + ".restoring"));
  if (cut_off) {
    return Former{.state = "being replaced when that was cut off", .worth_keeping = ""};
  }
  MC_ASSIGN(const bool there, env.files().exists(path));
  if (!there) {
    return Former{.state = "missing", .worth_keeping = ""};
  }
  MC_ASSIGN(const dsl::env::FileInfo info, env.files().stat(path));
  if (info.size_bytes == 0) {
    return Former{.state = "empty", .worth_keeping = ""};
  }
  // As a guest: whatever it is, it is not changed.
  const Result<std::unique_ptr<Registry>> registry = Registry::open_as_guest(env, path);
  if (!registry) {
    const Code code = registry.error().code();
    if (code == Code::kDataLoss || code == Code::kPermissionDenied) {
      return Former{.state = "damaged: " + registry.error().message(), .worth_keeping = ""};
    }
    return Former{.state = "readable by another version",
                  .worth_keeping = registry.error().message()};
  }
  const Result<bool> initialized = (*registry)->initialized();
  const Result<std::vector<ServiceRecord>> services =
      initialized ? (*registry)->services() : tl::unexpected(initialized.error());
  if (!services) {
    return Former{.state = "damaged: " + services.error().message(), .worth_keeping = ""};
  }
  if (!*initialized || services->empty()) {
    return Former{.state = *initialized ? "without services" : "uninitialized",
                  .worth_keeping = ""};
  }
  return Former{.state = "in order", .worth_keeping = text("it has {} services", services->size())};
}

}  // namespace mcp::agent
