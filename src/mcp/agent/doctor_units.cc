// What systemd does with the user's services, and who may use the sockets.
#include "dsl/env/path.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr const char* kRestartUnit = "podman-restart.service";

std::string user_units(const DoctorContext& context) {
  return context.home + "/.config/systemd/user";
}

bool is_masked(const DoctorContext& context, const std::string& path) {
  const Result<dsl::env::FileInfo> link = context.env.files().stat(path, false);
  if (!link) {
    return false;
  }
  return link->size_bytes == 0 || context.env.files().canonical(path).value_or("") == "/dev/null";
}

std::optional<std::uint32_t> group_id(const DoctorContext& context, const std::string& name) {
  for (const std::string& line :
       lines_of(context.env.files().read_file("/etc/group").value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() > 2 && fields[0] == name) {
      return static_cast<std::uint32_t>(std::strtoul(fields[2].c_str(), nullptr, 10));
    }
  }
  return std::nullopt;
}

// Others cannot reach what lies below a folder that they may not enter.
bool shut_off(const DoctorContext& context, const std::string& path) {
  for (std::string folder = dsl::env::folder_of(path); folder != "/" && folder != ".";
       folder = dsl::env::folder_of(folder)) {
    const Result<dsl::env::FileInfo> info = context.env.files().stat(folder);
    if (info && (info->mode & 0011) == 0) {
      return true;
    }
  }
  return false;
}

DoctorFinding agent_socket(const DoctorContext& context, const dsl::env::FileInfo& info) {
  const std::string& path = context.config.face.socket_path;
  const std::string& group = context.config.face.socket_group;
  const std::optional<std::uint32_t> admins =
      group.empty() ? std::nullopt : group_id(context, group);
  const char* consequence = "whoever may write to it controls every container of the node";
  if ((info.mode & 0006) != 0) {
    return bad("fail", text("anybody may use the agent's socket {}", path), consequence,
               text("chmod 0660 {}", path));
  }
  if (info.uid != context.uid && info.uid != 0) {
    return bad("fail", text("the agent's socket {} belongs to uid {}", path, info.uid), consequence,
               text("stop what serves it, then start the agent: it makes its own"));
  }
  const bool group_may = (info.mode & 0060) != 0;
  const bool group_known =
      info.gid == context.gid || info.gid == 0 || (admins && info.gid == *admins);
  if (group_may && !group_known) {
    return bad("fail", text("members of group {} may use the agent's socket {}", info.gid, path),
               consequence, text("chgrp {} {}", group.empty() ? context.user : group, path));
  }
  return good("");
}

}  // namespace

DoctorFinding check_linger(const DoctorContext& context) {
  if (!context.env.files().exists("/run/systemd/system").value_or(false)) {
    return skipped("systemd does not run here, so nobody ends the user's services");
  }
  if (context.uid == 0) {
    return skipped("root's services do not end at log-out");
  }
  if (context.env.files().exists("/var/lib/systemd/linger/" + context.user).value_or(false)) {
    return good(text("{} lingers", context.user));
  }
  return bad(context.config.podman_mode == "spawn" ? "warn" : "fail",
             text("{} does not linger", context.user),
             text("/run/user/{}, podman's socket and every container end when its last session "
                  "does, and none is there after a boot",
                  context.uid),
             text("loginctl enable-linger {} (as root)", context.user));
}

DoctorFinding check_restart_unit(const DoctorContext& context) {
  const std::string own = user_units(context) + "/" + kRestartUnit;
  if (is_masked(context, own)) {
    return good(text("{} is masked", kRestartUnit));
  }
  for (const std::string& folder : {user_units(context), std::string("/etc/systemd/user")}) {
    const std::string link = text("{}/default.target.wants/{}", folder, kRestartUnit);
    if (!context.env.files().stat(link, false)) {
      continue;
    }
    DoctorFinding finding =
        bad("fail", text("{} is enabled ({})", kRestartUnit, link),
            "at boot it starts every container at once, without order and gates, before the agent",
            // Not `disable --now`: the unit's stop command stops every container.
            text("systemctl --user mask {} (as {})", kRestartUnit, context.user));
    finding.repairs = {{.argv = {"mkdir", "-p", user_units(context)}},
                       {.argv = {"ln", "-sfn", "/dev/null", own}}};
    return finding;
  }
  return good(text("{} is not enabled", kRestartUnit));
}

DoctorFinding check_sockets(const DoctorContext& context) {
  std::vector<std::string> seen;
  const std::string& agents = context.config.face.socket_path;
  if (const auto info = context.env.files().stat(agents)) {
    DoctorFinding finding = agent_socket(context, *info);
    if (finding.severity != "ok") {
      return finding;
    }
    seen.push_back(agents);
  }
  std::vector<std::string> podmans = {context.runtime_dir + "/podman/podman.sock",
                                      context.runtime_dir + "/mcp/podman.sock"};
  if (!context.config.podman_socket.empty()) {
    podmans = {context.config.podman_socket};
  }
  for (const std::string& path : podmans) {
    const auto info = context.env.files().stat(path);
    if (!info) {
      continue;
    }
    seen.push_back(path);
    if (info->uid != context.uid) {
      return bad("fail", text("podman's socket {} belongs to uid {}", path, info->uid),
                 "another user's containers answer there",
                 text("set podman.socket to that of {}", context.user));
    }
    if ((info->mode & 0066) != 0 && !shut_off(context, path)) {
      return bad("fail", text("podman's socket {} is open to others", path),
                 "whoever may write to it controls every container, past the agent",
                 text("chmod 0600 {} && chmod 0700 {}", path, dsl::env::folder_of(path)));
    }
  }
  return seen.empty() ? skipped("neither the agent's socket nor podman's is there")
                      : good(text("closed to others: {}", joined(seen)));
}

}  // namespace mcp::agent
