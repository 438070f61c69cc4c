#include "mcp/agent/doctor.h"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "dsl/config/nearest.h"
#include "mcp/agent/doctor_checks.h"
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

constexpr std::array<Row, 13> kChecks{{
    {"uid.pinned", model::code::kUidPinned, check_uid_pinned, true},
    {"uid.collision", model::code::kUidCollision, check_uid_collision, false},
    {"subid", model::code::kSubid, check_subid, true},
    {"newuidmap", model::code::kNewuidmap, check_newuidmap, false},
    {"nnp", model::code::kNoNewPrivileges, check_no_new_privileges, false},
    {"tun", model::code::kTun, check_tun, false},
    {"runtime_dir", model::code::kRuntimeDir, check_runtime_dir, true},
    {"runroot", model::code::kRunroot, check_runroot, true},
    {"driver", model::code::kDriver, check_driver, false},
    {"privileged_ports", model::code::kPrivilegedPorts, check_privileged_ports, false},
    {"port53", model::code::kPort53, check_port53, false},
    {"images", model::code::kImages, check_images, false},
    {"registry", model::code::kRegistryCheck, check_registry, false},
}};

std::string user_name(dsl::env::Env& env, std::uint32_t uid) {
  const Result<std::string> passwd = env.files().read_file("/etc/passwd");
  for (const std::string& line : lines_of(passwd.value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() > 2 && fields[2] == std::to_string(uid)) {
      return fields[0];
    }
  }
  return "";
}

DoctorContext context_for(dsl::env::Env& env, const Config& config, Registry* registry) {
  DoctorContext context{.env = env,
                        .config = config,
                        .registry = registry,
                        .node = std::nullopt,
                        .uid = geteuid(),
                        .gid = getegid(),
                        .user = user_name(env, geteuid())};
  if (registry != nullptr) {
    context.node = registry->node().value_or(std::nullopt);
  }
  return context;
}

DoctorFinding run(const Row& row, const DoctorContext& context) {
  DoctorFinding finding = row.check(context);
  finding.id = row.id;
  finding.code = row.code;
  return finding;
}

}  // namespace

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::vector<std::string> split_fields(std::string_view line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ':') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

DoctorFinding good(std::string finding) {
  return {.id = "",
          .severity = "ok",
          .finding = std::move(finding),
          .consequence = "",
          .fix = "",
          .code = ""};
}

DoctorFinding skipped(std::string why) {
  return {.id = "",
          .severity = "skip",
          .finding = std::move(why),
          .consequence = "",
          .fix = "",
          .code = ""};
}

DoctorFinding bad(const char* severity, std::string finding, std::string consequence,
                  std::string fix) {
  return {.id = "",
          .severity = severity,
          .finding = std::move(finding),
          .consequence = std::move(consequence),
          .fix = std::move(fix),
          .code = ""};
}

std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only) {
  const DoctorContext context = context_for(env, config, registry);
  std::vector<DoctorFinding> findings;
  for (const Row& row : kChecks) {
    if (only.empty() || std::find(only.begin(), only.end(), row.id) != only.end()) {
      findings.push_back(run(row, context));
    }
  }
  return findings;
}

Result<void> known_checks(const std::vector<std::string>& names) {
  std::vector<std::string> known;
  std::string list;
  for (const Row& row : kChecks) {
    known.emplace_back(row.id);
    list += (list.empty() ? "" : ", ") + known.back();
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string near = dsl::config::nearest(name, known);
    return fail(Code::kInvalidArgument, "there is no check {}", name)
        .hint(near.empty() ? text("the checks are {}", list) : text("did you mean {}?", near));
  }
  return {};
}

Result<void> blocking_checks(dsl::env::Env& env, const Config& config, Registry* registry) {
  const DoctorContext context = context_for(env, config, registry);
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
        .hint(text("either give the user its uid back: usermod -u {} USER && groupmod -g {} GROUP "
                   "(as root), then start the agent; or, if the change must stay, set identity.uid "
                   "and identity.gid to {} and {}, run mcp-agent doctor, then mcp-agent recover",
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
