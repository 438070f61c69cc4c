// The single checks of the doctor; see doctor.h. Each returns its finding.
#pragma once

#include "mcp/agent/doctor.h"

namespace mcp::agent {

struct DoctorContext {
  dsl::env::Env& env;
  const Config& config;
  Registry* registry;              // may be null
  std::optional<NodeRecord> node;  // as recorded, if any
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;  // name of uid in /etc/passwd; empty when it has none
};

using DoctorCheck = DoctorFinding (*)(const DoctorContext&);

DoctorFinding check_uid_pinned(const DoctorContext& context);
DoctorFinding check_uid_collision(const DoctorContext& context);
DoctorFinding check_subid(const DoctorContext& context);
DoctorFinding check_newuidmap(const DoctorContext& context);
DoctorFinding check_no_new_privileges(const DoctorContext& context);
DoctorFinding check_tun(const DoctorContext& context);
DoctorFinding check_runtime_dir(const DoctorContext& context);
DoctorFinding check_runroot(const DoctorContext& context);
DoctorFinding check_driver(const DoctorContext& context);
DoctorFinding check_privileged_ports(const DoctorContext& context);
DoctorFinding check_port53(const DoctorContext& context);
DoctorFinding check_images(const DoctorContext& context);
DoctorFinding check_registry(const DoctorContext& context);

// Fields of a colon-separated line ("mcp:x:850:850:...").
std::vector<std::string> split_fields(std::string_view line);
std::vector<std::string> lines_of(const std::string& text);

DoctorFinding good(std::string finding);
DoctorFinding skipped(std::string why);
DoctorFinding bad(const char* severity, std::string finding, std::string consequence,
                  std::string fix);

}  // namespace mcp::agent
