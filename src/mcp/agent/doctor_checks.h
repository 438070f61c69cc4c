// The single checks of the doctor; see doctor.h. Each returns its finding.
#pragma once

#include <set>

#include "mcp/agent/doctor.h"

namespace mcp::agent {

struct DoctorContext : DoctorSubject {
  DoctorContext(dsl::env::Env& environment, const Config& configuration,
                const DoctorReach& how_to_reach, Registry* opened_registry)
      : DoctorSubject(subject_of(environment, configuration, how_to_reach)),
        env(environment),
        config(configuration),
        reach(how_to_reach),
        registry(opened_registry) {
    if (registry != nullptr) {
      node = registry->node().value_or(std::nullopt);
    }
  }

  bool for_another() const { return reach.euid != uid; }

  dsl::env::Env& env;
  const Config& config;
  const DoctorReach& reach;
  Registry* registry;              // may be null
  std::optional<NodeRecord> node;  // as recorded, if any
};

using DoctorCheck = DoctorFinding (*)(const DoctorContext&);

// doctor_user.cc: the user that owns the containers
DoctorFinding check_uid_pinned(const DoctorContext& context);
DoctorFinding check_uid_collision(const DoctorContext& context);
DoctorFinding check_subid(const DoctorContext& context);
DoctorFinding check_newuidmap(const DoctorContext& context);
DoctorFinding check_runtime_dir(const DoctorContext& context);
// doctor_podman.cc: podman's ground
DoctorFinding check_no_new_privileges(const DoctorContext& context);
DoctorFinding check_tun(const DoctorContext& context);
DoctorFinding check_runroot(const DoctorContext& context);
DoctorFinding check_driver(const DoctorContext& context);
DoctorFinding check_images(const DoctorContext& context);
// doctor_units.cc: what systemd does, and who may use the sockets
DoctorFinding check_linger(const DoctorContext& context);
DoctorFinding check_restart_unit(const DoctorContext& context);
DoctorFinding check_sockets(const DoctorContext& context);
// doctor_ports.cc
DoctorFinding check_privileged_ports(const DoctorContext& context);
DoctorFinding check_port53(const DoctorContext& context);
// doctor_dns.cc
DoctorFinding check_resolvers(const DoctorContext& context);
DoctorFinding check_overlay_dns(const DoctorContext& context);
// doctor_network.cc
DoctorFinding check_overlay(const DoctorContext& context);
DoctorFinding check_firewall(const DoctorContext& context);
// doctor_tls.cc
DoctorFinding check_tls_san(const DoctorContext& context);
DoctorFinding check_tls_trust(const DoctorContext& context);
// doctor_data.cc
DoctorFinding check_data(const DoctorContext& context);
// doctor_host.cc: kernel and resources
DoctorFinding check_kernel(const DoctorContext& context);
DoctorFinding check_disk(const DoctorContext& context);
DoctorFinding check_inodes(const DoctorContext& context);
DoctorFinding check_clock(const DoctorContext& context);
DoctorFinding check_nofile(const DoctorContext& context);
DoctorFinding check_memory(const DoctorContext& context);
// doctor_registry.cc: the registry and what it says
DoctorFinding check_registry(const DoctorContext& context);
DoctorFinding check_boot(const DoctorContext& context);
DoctorFinding check_deps(const DoctorContext& context);

// --- what several checks use ---

// Fields of a colon-separated line ("mcp:x:850:850:...").
std::vector<std::string> split_fields(std::string_view line);
std::vector<std::string> lines_of(const std::string& text);
std::vector<std::string> words_of(std::string_view line);
// "KEY=value" lines of a file such as a unit or a drop-in; comments left out, blanks trimmed.
struct Assignment {
  std::size_t line = 0;  // from 1
  std::string section;   // "[Service]" without brackets
  std::string key;
  std::string value;
};
std::vector<Assignment> assignments_of(const std::string& text);
// The items with ", " between them; of more than `most` the first, and how many more there are.
std::string joined(const std::vector<std::string>& items, std::size_t most = 8);

struct IdRange {
  std::string owner;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};
// /etc/subuid or /etc/subgid.
std::vector<IdRange> read_ranges(dsl::env::Env& env, const std::string& path);
bool is_ours(const IdRange& range, const DoctorContext& context);
std::optional<IdRange> own_range(const DoctorContext& context, const std::string& path);

std::string graph_root(const DoctorContext& context);
// Names in `path` (passwd or group) that have `id`, besides `own`.
std::string others_with_id(dsl::env::Env& env, const std::string& path, std::uint32_t id,
                           const std::string& own);
// Every name, digest and id that the image store knows, read from its own index.
std::set<std::string> cached_images(const DoctorContext& context);
bool is_cached(const std::set<std::string>& cached, const ComponentRecord& component);
// Archives in agent.image_dirs, by path.
std::vector<std::string> image_archives(const DoctorContext& context);
// `User` of the image's configuration in the local store; nothing when it cannot be read.
std::optional<std::string> image_user(const DoctorContext& context, const std::string& image);

std::vector<ServiceRecord> registered(const DoctorContext& context);
// The first program of that name in the usual folders; empty when there is none.
std::string find_program(dsl::env::Env& env, const std::string& name);
// Every address that `[node] addresses` names, loopback ones included.
bool is_node_address(const DoctorContext& context, const std::string& ip);
bool is_loopback(const std::string& ip);

DoctorFinding good(std::string finding);
DoctorFinding skipped(std::string why);
DoctorFinding bad(const char* severity, std::string finding, std::string consequence,
                  std::string fix);

}  // namespace mcp::agent
