#include "mcp/agent/unit_check.h"

#include <algorithm>
#include <map>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

namespace {

// systemd.exec(5): for a unit with User= each of these implies NoNewPrivileges=yes, after which
// newuidmap's setuid bit and file capabilities have no effect.
constexpr const char* kImplied =
    "implies no-new-privileges: newuidmap fails with \"write to uid_map failed: Operation not "
    "permitted\"";
constexpr const char* kMounts =
    "gives the agent a mount namespace of its own: containers' mounts are made inside it, and "
    "newuidmap may lie on a read-only or nosuid view";

struct Forbidden {
  const char* directive;
  const char* why;
};
constexpr Forbidden kForbidden[] = {
    {"NoNewPrivileges", kImplied},
    {"PrivateDevices", "hides /dev/net/tun, and implies no-new-privileges"},
    {"ProtectKernelTunables", kImplied},
    {"ProtectKernelModules", kImplied},
    {"ProtectKernelLogs", kImplied},
    {"ProtectClock", kImplied},
    {"ProtectHostname", kImplied},
    {"ProtectControlGroups", "makes /sys/fs/cgroup read-only: no container gets its cgroup"},
    {"RestrictSUIDSGID", kImplied},
    {"LockPersonality", kImplied},
    {"RestrictRealtime", kImplied},
    {"RestrictNamespaces", kImplied},
    {"RestrictAddressFamilies", kImplied},
    {"MemoryDenyWriteExecute", kImplied},
    {"SystemCallFilter", kImplied},
    {"SystemCallArchitectures", kImplied},
    {"DynamicUser", "implies no-new-privileges, and changes the uid that owns the containers"},
    {"CapabilityBoundingSet", "takes from newuidmap the capability that it maps ids with"},
    {"ProtectSystem", kMounts},
    {"PrivateTmp", kMounts},
    {"ReadWritePaths", kMounts},
    {"ProtectHome", "hides /run/user, where podman keeps its sockets and locks"},
    {"ProtectProc", kMounts},
    {"PrivateUsers", "puts the agent into a user namespace that has no subordinate ids"},
};

bool is_off(const std::string& value) {
  return value.empty() || value == "no" || value == "false" || value == "off" || value == "0";
}

const Forbidden* forbidden(const std::string& directive) {
  const auto* found =
      std::find_if(std::begin(kForbidden), std::end(kForbidden),
                   [&](const Forbidden& each) { return directive == each.directive; });
  return found == std::end(kForbidden) ? nullptr : found;
}

// An empty set is no set at all for lists, but forbids everything here.
bool takes_effect(const Assignment& line) {
  return line.key == "CapabilityBoundingSet" || !is_off(line.value);
}

}  // namespace

std::vector<UnitProblem> unit_problems(const std::string& unit) {
  std::map<std::string, Assignment> last;
  for (const Assignment& line : assignments_of(unit)) {
    if (line.section == "Service") {
      last[line.key] = line;
    }
  }
  std::vector<UnitProblem> problems;
  for (const auto& [key, line] : last) {
    const Forbidden* rule = forbidden(key);
    if (rule != nullptr && takes_effect(line)) {
      problems.push_back({line.line, dsl::text("{}={}", key, line.value), rule->why});
    }
  }
  std::sort(problems.begin(), problems.end(),
            [](const UnitProblem& a, const UnitProblem& b) { return a.line < b.line; });
  const auto value = [&](const char* key) {
    const auto found = last.find(key);
    return found == last.end() ? std::string() : found->second.value;
  };
  if (value("KillMode") != "process" && value("KillMode") != "none") {
    problems.push_back({last.contains("KillMode") ? last["KillMode"].line : 0, "KillMode=process",
                        "is missing: a restart of the agent ends podman and every container"});
  }
  if (is_off(value("Delegate"))) {
    problems.push_back({last.contains("Delegate") ? last["Delegate"].line : 0, "Delegate=yes",
                        "is missing: containers get no cgroups of their own below the unit's"});
  }
  return problems;
}

}  // namespace mcp::agent
