// The checks of a node: each with what was found, what follows from it, and the exact fix. They
// need neither the server nor a network, so that they work when nothing else does.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/boot/gate.h"

namespace mcp::agent {

// One step of a repair that needs no guess: a command, or work on the registry that no command can
// do. `needs_root`: the agent's user can only print it.
struct Repair {
  std::vector<std::string> argv;
  bool needs_root = false;
  std::function<Result<void>()> work{};  // in place of argv, which then only says what it does
};

struct DoctorFinding {
  std::string id;        // "uid.pinned"
  std::string severity;  // ok, warn, fail, skip
  std::string finding;
  std::string consequence;
  std::string fix;
  std::string code;               // catalogue, "MCP-0301"
  std::vector<Repair> repairs{};  // what `doctor --fix` may do, in order; empty = nothing
};

// Where the checks leave the files and tools of the host; tests put their own in place.
struct DoctorReach {
  std::uint32_t euid;
  std::uint32_t egid;
  // One DNS query to port 53 of a literal address.
  std::function<Result<void>(const std::string& ip)> ask_resolver;
  std::function<boot::Answer(const boot::Gate& gate)> probe;
  bool offline = false;  // ask nobody
};
DoctorReach real_reach(dsl::env::Env& env);

// Whom the checks are about: ourselves; when root asks, the user that the configuration names.
struct DoctorSubject {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;         // name of uid in /etc/passwd; empty when it has none
  std::string home;         // may be empty
  std::string runtime_dir;  // XDG_RUNTIME_DIR; may be empty
};
DoctorSubject subject_of(dsl::env::Env& env, const Config& config, const DoctorReach& reach);

// `registry` may be null (unreadable or absent). `only` names checks to run; empty = all. The order
// is that of dependence: what fails first explains what fails later. Run by root, the checks are
// about the user that the configuration names.
std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only);
std::vector<DoctorFinding> examine_node(dsl::env::Env& env, const Config& config,
                                        Registry* registry, const std::vector<std::string>& only,
                                        const DoctorReach& reach);

// Refuses a name that is none of the checks, with the nearest one.
Result<void> known_checks(const std::vector<std::string>& names);
std::vector<std::string> check_names();

// The checks that must pass before `recover` touches anything; the first failure as an error.
Result<void> blocking_checks(dsl::env::Env& env, const Config& config, Registry* registry);

// Own uid and gid are those of configuration and registry: otherwise the agent refuses to start
// (MCP-0301, both uids, and the two ways out).
Result<void> check_identity(const Config& config, std::uint32_t uid, std::uint32_t gid,
                            const std::optional<NodeRecord>& recorded);

}  // namespace mcp::agent
