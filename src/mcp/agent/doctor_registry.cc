// The registry, and whether what it says could come up by itself.
#include <algorithm>
#include <array>

#include "mcp/agent/backup_state.h"
#include "mcp/agent/doctor_checks.h"
#include "mcp/boot/graph.h"

namespace mcp::agent {

using dsl::text;

namespace {

// The platform's own services, and what goes on without each of them.
struct Dependency {
  const char* service;
  const char* role;
  const char* still_works;
};
constexpr std::array<Dependency, 5> kDependencies{{
    {"mcias", "identity", "the local socket and operator tokens let people in; sign-in does not"},
    {"mcns", "names",
     "gates, boot and recover use literal addresses; names need the other "
     "resolvers of /etc/resolv.conf"},
    {"mcr", "image registry", "cached images start and are deployed; nothing new is pulled"},
    {"mc-proxy", "proxy", "services answer on their own published ports; public names do not"},
    {"metacrypt", "certificates", "certificates that were issued stay good; none is renewed"},
}};

std::vector<model::Service> services_of(const std::vector<ServiceRecord>& records) {
  std::vector<model::Service> services;
  for (const ServiceRecord& record : records) {
    services.push_back(record.service);
  }
  return services;
}

// What is wrong with an error that lists it in its details.
std::string findings_of(const dsl::Error& error) {
  std::vector<std::string> findings;
  for (const auto& detail : error.details()) {
    findings.push_back(text("{}: {}", detail.where, detail.message));
  }
  return findings.empty() ? error.message() : joined(findings, 3);
}

bool can_be_probed(const model::Health& health) {
  return health.type != "none" && health.type != "exec";
}

// Why the first component of the service that does not pass its gate does not; empty when all do.
std::string fault_of(const DoctorContext& context, const ServiceRecord& record) {
  for (const model::Component& component : record.service.components) {
    if (!can_be_probed(component.health)) {
      continue;
    }
    const boot::Answer answer = context.reach.probe(
        boot::gate_for(record.service, component, record.ports, context.config.ca_cert));
    if (!answer.pass) {
      return answer.text;
    }
  }
  return "";
}

}  // namespace

std::vector<ServiceRecord> registered(const DoctorContext& context) {
  if (context.registry == nullptr) {
    return {};
  }
  return context.registry->services().value_or(std::vector<ServiceRecord>{});
}

DoctorFinding check_registry(const DoctorContext& context) {
  const std::string& path = context.config.database_path;
  if (context.registry == nullptr && !context.env.files().exists(path).value_or(true)) {
    const std::size_t mirrored = context.env.files()
                                     .list(context.config.specs_dir)
                                     .value_or(std::vector<std::string>{})
                                     .size();
    return mirrored == 0 ? skipped(text("{} does not exist: a new node", path))
                         : bad("fail",
                               text("{} is gone, and the mirror {} holds {} files", path,
                                    context.config.specs_dir, mirrored),
                               "the agent touches no container until the registry is back",
                               "mcp-agent rebuild --dry-run, then mcp-agent rebuild; containers "
                               "keep running meanwhile");
  }
  if (context.registry == nullptr) {
    return bad("fail", text("the registry {} is not readable", path),
               "the agent touches no container until it is",
               "restore it from its replica (mcp-agent restore), from a copy beside it "
               "(mcp.db.pre-*), or from mirror and labels (mcp-agent rebuild); keep the damaged "
               "file; containers keep running meanwhile");
  }
  const Result<void> sound = context.registry->database().check();
  if (!sound) {
    return bad("fail", sound.error().message(), "the registry may lose what it knows",
               "stop the agent, keep a copy of the file, and restore the last good one");
  }
  const auto services = context.registry->services();
  if (!services) {
    return bad("fail", services.error().message(), "services cannot be recovered from it",
               "restore the registry");
  }
  for (const ServiceRecord& record : *services) {
    const Result<std::string> mirrored = context.env.files().read_file(
        text("{}/{}.json", context.config.specs_dir, record.service.name));
    if (!mirrored || mirrored->find(record.sha256) == std::string::npos) {
      return bad("warn", text("the mirror of {} is not the registry's", record.service.name),
                 "a registry rebuilt from the mirror would be older",
                 "restart the agent: it writes the mirror anew");
    }
  }
  const Result<BackupState> backup = backup_state(context.env, context.config);
  if (backup && !backup->alert.empty()) {
    return bad("warn", backup->alert, "what is lost now comes back as it was then, or not at all",
               "mcp-agent backup create, then mcp-agent backup status");
  }
  return good(text("sound; {} services, mirror equal", services->size()));
}

DoctorFinding check_boot(const DoctorContext& context) {
  const std::vector<ServiceRecord> records = registered(context);
  if (records.empty()) {
    return skipped("no service is registered");
  }
  const std::vector<model::Service> services = services_of(records);
  const model::Platform platform = context.config.platform();
  Result<void> sound = model::check_dependencies(services, platform);
  if (sound) {
    const Result<boot::BuiltGraph> graph = boot::build_graph(services, platform.stages);
    sound = graph ? Result<void>() : tl::unexpected(graph.error());
  }
  if (!sound) {
    return bad("fail", findings_of(sound.error()),
               "the node cannot work out what to start first, and starts nothing at boot",
               "correct `depends_on`, `after` or `tier` in the named definition, then mcp sync");
  }
  const std::set<std::string> cached = cached_images(context);
  const std::string first = platform.stages.empty() ? "" : platform.stages.front();
  for (const ServiceRecord& record : records) {
    if (record.service.tier != first) {
      continue;
    }
    for (const ComponentRecord& component : record.components) {
      if (!is_cached(cached, component) && image_archives(context).empty()) {
        return bad(
            "fail",
            text("{} is of the stage {}, and its image {} is neither cached nor archived",
                 record.service.name, first, component.image),
            "nothing comes up after it at the next boot: the image registry starts later",
            text("podman load -i ARCHIVE now; podman save -o {}/{}.tar {} keeps one",
                 context.config.image_dirs.empty() ? "FOLDER" : context.config.image_dirs.front(),
                 record.service.name, component.image));
      }
    }
  }
  return good(
      text("{} services have an order; stage {} needs no image registry", records.size(), first));
}

DoctorFinding check_deps(const DoctorContext& context) {
  if (context.reach.offline) {
    return skipped("--offline: nobody is asked");
  }
  const std::vector<ServiceRecord> records = registered(context);
  std::vector<std::string> answering;
  std::vector<std::string> down;
  std::string consequences;
  std::string first_down;
  for (const Dependency& each : kDependencies) {
    const auto record = std::find_if(records.begin(), records.end(), [&](const auto& one) {
      return one.service.name == each.service;
    });
    if (record == records.end() || !record->service.active) {
      continue;
    }
    const std::string fault = fault_of(context, *record);
    if (fault.empty()) {
      answering.emplace_back(each.service);
      continue;
    }
    down.push_back(text("{} ({}): {}", each.service, each.role, fault));
    consequences +=
        text("{}without {}: {}", consequences.empty() ? "" : "; ", each.service, each.still_works);
    first_down = first_down.empty() ? each.service : first_down;
  }
  if (!down.empty()) {
    return bad("warn", text("down: {}", joined(down)), consequences,
               text("mcp boot status shows where it stands; mcp restart {}", first_down));
  }
  return answering.empty() ? skipped("no service of the platform itself runs on this node")
                           : good(text("answering: {}", joined(answering)));
}

}  // namespace mcp::agent
