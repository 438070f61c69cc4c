#include "mcp/agent/doctor.h"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "dsl/config/nearest.h"
#include "mcp/agent/doctor_checks.h"
#include "mcp/agent/resolver_probe.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

struct Row {
  const char* id;
  const char* code;
  DoctorCheck check;
  bool blocks_recover;
};

constexpr std::array<Row, 31> kChecks{{
    {"uid.pinned", model::code::kUidPinned, check_uid_pinned, true},
    {"uid.collision", model::code::kUidCollision, check_uid_collision, false},
    {"subid", model::code::kSubid, check_subid, true},
    {"newuidmap", model::code::kNewuidmap, check_newuidmap, false},
    {"nnp", model::code::kNoNewPrivileges, check_no_new_privileges, false},
    {"tun", model::code::kTun, check_tun, false},
    {"linger", model::code::kLinger, check_linger, false},
    {"runtime_dir", model::code::kRuntimeDir, check_runtime_dir, true},
    {"runroot", model::code::kRunroot, check_runroot, true},
    {"driver", model::code::kDriver, check_driver, false},
    {"kernel", model::code::kKernel, check_kernel, false},
    {"disk", model::code::kDisk, check_disk, false},
    {"inodes", model::code::kInodes, check_inodes, false},
    {"memory", model::code::kMemory, check_memory, false},
    {"nofile", model::code::kNofile, check_nofile, false},
    {"clock", model::code::kClock, check_clock, false},
    {"registry", model::code::kRegistryCheck, check_registry, false},
    {"sockets", model::code::kSocketModes, check_sockets, false},
    {"restart_unit", model::code::kRestartUnit, check_restart_unit, false},
    {"images", model::code::kImages, check_images, false},
    {"data", model::code::kData, check_data, false},
    {"boot", model::code::kBootPlan, check_boot, false},
    {"overlay", model::code::kOverlay, check_overlay, false},
    {"privileged_ports", model::code::kPrivilegedPorts, check_privileged_ports, false},
    {"port53", model::code::kPort53, check_port53, false},
    {"firewall", model::code::kFirewall, check_firewall, false},
    {"resolvers", model::code::kResolvers, check_resolvers, false},
    {"overlay_dns", model::code::kOverlayDns, check_overlay_dns, false},
    {"tls.san", model::code::kTlsSan, check_tls_san, false},
    {"tls.trust", model::code::kTlsTrust, check_tls_trust, false},
    {"deps", model::code::kDependencies, check_deps, false},
}};

// Name and home of `uid` by /etc/passwd.
std::pair<std::string, std::string> account(dsl::env::Env& env, std::uint32_t uid) {
  const Result<std::string> passwd = env.files().read_file("/etc/passwd");
  for (const std::string& line : lines_of(passwd.value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() > 2 && fields[2] == std::to_string(uid)) {
      return {fields[0], fields.size() > 5 ? fields[5] : ""};
    }
  }
  return {};
}

DoctorFinding run(const Row& row, const DoctorContext& context) {
  DoctorFinding finding = row.check(context);
  finding.id = row.id;
  finding.code = row.code;
  return finding;
}

}  // namespace

DoctorReach real_reach(dsl::env::Env& env) {
  return {.euid = geteuid(),
          .egid = getegid(),
          .ask_resolver = [&env](const std::string& ip) { return ask_resolver(env, ip); },
          .probe = [&env](const boot::Gate& gate) { return boot::probe(env, gate, {}); }};
}

DoctorSubject subject_of(dsl::env::Env& env, const Config& config, const DoctorReach& reach) {
  const bool for_another = reach.euid == 0 && config.uid != 0;
  DoctorSubject subject;
  subject.uid = for_another ? static_cast<std::uint32_t>(config.uid) : reach.euid;
  subject.gid = for_another ? static_cast<std::uint32_t>(config.gid) : reach.egid;
  const auto [name, home] = account(env, subject.uid);
  subject.user = name;
  // Root's own environment tells nothing about the user that it asks for.
  subject.home = for_another ? home : env.variable("HOME").value_or(home);
  subject.runtime_dir = for_another ? text("/run/user/{}", subject.uid)
                                    : env.variable("XDG_RUNTIME_DIR").value_or("");
  return subject;
}

std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only) {
  return examine_node(env, config, registry, only, real_reach(env));
}

std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only,
                                        const DoctorReach& reach) {
  const DoctorContext context(env, config, reach, registry);
  std::vector<DoctorFinding> findings;
  for (const Row& row : kChecks) {
    if (only.empty() || std::find(only.begin(), only.end(), row.id) != only.end()) {
      findings.push_back(run(row, context));
    }
  }
  return findings;
}

std::vector<std::string> check_names() {
  std::vector<std::string> names;
  for (const Row& row : kChecks) {
    names.emplace_back(row.id);
  }
  return names;
}

Result<void> known_checks(const std::vector<std::string>& names) {
  const std::vector<std::string> known = check_names();
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string near = dsl::config::nearest(name, known);
    return fail(Code::kInvalidArgument, "there is no check {}", name)
        .hint(near.empty() ? text("the checks are {}", joined(known, known.size()))
                           : text("did you mean {}?", near));
  }
  return {};
}

Result<void> blocking_checks(dsl::env::Env& env, const Config& config, Registry* registry) {
  const DoctorReach reach = real_reach(env);
  const DoctorContext context(env, config, reach, registry);
  for (const Row& row : kChecks) {
    if (!row.blocks_recover) {
      continue;
    }
    const DoctorFinding finding = run(row, context);
    if (finding.severity == "fail") {
      return fail(Code::kFailedPrecondition, "{}: {}", finding.id, finding.finding)
          .id(finding.code)
          .detail("consequence", finding.consequence)
          .hint(finding.fix);
    }
  }
  return {};
}

Result<void> check_identity(const Config& config, std::uint32_t uid, std::uint32_t gid,
                            const std::optional<NodeRecord>& recorded) {
  const auto refuse = [&](std::int64_t owner_uid, std::int64_t owner_gid,
                          std::string_view where) -> Result<void> {
    return fail(Code::kFailedPrecondition,
                "this agent runs as uid {} gid {}, but its containers belong to uid {} gid {} ({})",
                uid, gid, owner_uid, owner_gid, where)
        .id(model::code::kUidPinned)
        .detail("consequence",
                "rootless podman keeps the uid in its database, its paths and the owners of its "
                "files: under another uid every container is lost")
        .hint(text(
            "either give the user its uid back: usermod -u {} USER && groupmod -g {} GROUP "
            "(as root), then start the agent; or, if the change must stay, set identity.uid "
            "and identity.gid to {} and {}, run mcp-agent doctor --fix, then mcp-agent recover",
            owner_uid, owner_gid, uid, gid));
  };
  if (config.uid != uid || config.gid != gid) {
    return refuse(config.uid, config.gid, "configuration, [identity]");
  }
  if (recorded && (recorded->uid != uid || recorded->gid != gid)) {
    return refuse(recorded->uid, recorded->gid, "registry");
  }
  return {};
}

}  // namespace mcp::agent
