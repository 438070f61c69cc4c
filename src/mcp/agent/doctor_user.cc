// The user that owns the containers: its uid, its subordinate ids, its directories.
#include <algorithm>

#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr std::uint64_t kSubidsMin = 65536;
constexpr std::chrono::milliseconds kMapPatience{5000};

std::string subid_problem(const DoctorContext& context, const std::string& path) {
  const std::vector<IdRange> ranges = read_ranges(context.env, path);
  const auto own = std::find_if(ranges.begin(), ranges.end(),
                                [&](const IdRange& range) { return is_ours(range, context); });
  if (own == ranges.end()) {
    return text("{} has no range for {}", path, context.user);
  }
  if (own->count < kSubidsMin) {
    return text("{} gives {} only {} ids", path, context.user, own->count);
  }
  for (const IdRange& other : ranges) {
    const bool overlaps =
        other.first < own->first + own->count && own->first < other.first + other.count;
    if (!is_ours(other, context) && overlaps) {
      return text("{}: the range of {} overlaps that of {}", path, context.user, other.owner);
    }
  }
  return "";
}

// Writes a real map for a process that only waits in a namespace of its own.
std::string map_attempt(const DoctorContext& context, const std::string& newuidmap) {
  const std::optional<IdRange> own = own_range(context, "/etc/subuid");
  if (!own) {
    return "";
  }
  auto child = context.env.processes().start({.argv = {"unshare", "--user", "sleep", "5"}});
  if (!child) {
    return child.error().message();
  }
  context.env.clock().sleep_for(std::chrono::milliseconds(50));
  const auto mapped = context.env.processes().run(
      {.argv = {newuidmap, std::to_string((*child)->pid()), "0", std::to_string(context.uid), "1",
                "1", std::to_string(own->first), std::to_string(own->count)}},
      kMapPatience);
  (*child)->signal(9);
  (void)(*child)->wait(kMapPatience);
  if (!mapped) {
    return mapped.error().message();
  }
  return mapped->exit_code == 0 ? "" : mapped->err;
}

}  // namespace

std::vector<IdRange> read_ranges(dsl::env::Env& env, const std::string& path) {
  std::vector<IdRange> ranges;
  for (const std::string& line : lines_of(env.files().read_file(path).value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() == 3 && !line.starts_with("#")) {
      ranges.push_back({fields[0], std::strtoull(fields[1].c_str(), nullptr, 10),
                        std::strtoull(fields[2].c_str(), nullptr, 10)});
    }
  }
  return ranges;
}

bool is_ours(const IdRange& range, const DoctorContext& context) {
  return range.owner == context.user || range.owner == std::to_string(context.uid);
}

std::optional<IdRange> own_range(const DoctorContext& context, const std::string& path) {
  for (const IdRange& range : read_ranges(context.env, path)) {
    if (is_ours(range, context)) {
      return range;
    }
  }
  return std::nullopt;
}

std::string find_program(dsl::env::Env& env, const std::string& name) {
  for (const char* directory :
       {"/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/run/wrappers/bin"}) {
    std::string path = text("{}/{}", directory, name);
    if (env.files().exists(path).value_or(false)) {
      return path;
    }
  }
  return "";
}

std::string others_with_id(dsl::env::Env& env, const std::string& path, std::uint32_t id,
                           const std::string& own) {
  std::string names;
  for (const std::string& line : lines_of(env.files().read_file(path).value_or(""))) {
    const std::vector<std::string> fields = split_fields(line);
    if (fields.size() > 2 && fields[2] == std::to_string(id) && fields[0] != own) {
      names += (names.empty() ? "" : ", ") + fields[0];
    }
  }
  return names;
}

DoctorFinding check_uid_pinned(const DoctorContext& context) {
  const Result<void> same = check_identity(context.config, context.uid, context.gid, context.node);
  if (same) {
    return good(text("uid {} and gid {} are the recorded ones", context.uid, context.gid));
  }
  return bad("fail", same.error().message(), "every container of the store would be lost",
             same.error().hint());
}

DoctorFinding check_uid_collision(const DoctorContext& context) {
  if (context.user.empty()) {
    return bad("fail", text("no user has uid {}", context.uid),
               "podman cannot find its subordinate ids", "restore the line in /etc/passwd");
  }
  const std::string users = others_with_id(context.env, "/etc/passwd", context.uid, context.user);
  const std::string groups = others_with_id(context.env, "/etc/group", context.gid, context.user);
  if (users.empty() && groups.empty()) {
    return good(text("{} alone has uid {}", context.user, context.uid));
  }
  return bad("fail",
             text("uid {} or gid {} also belongs to {}{}{}", context.uid, context.gid, users,
                  users.empty() || groups.empty() ? "" : ", group ", groups),
             "newuidmap refuses; files of the containers belong to two users",
             "move the other account to another id (usermod -u, groupmod -g); never this one");
}

DoctorFinding check_subid(const DoctorContext& context) {
  if (context.uid == 0) {
    return skipped("root needs no subordinate ids");
  }
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    const std::string problem = subid_problem(context, path);
    if (!problem.empty()) {
      return bad("fail", problem, "rootless containers cannot be created",
                 text("add {}:100000:65536 to {} as root (another free range if taken)",
                      context.user.empty() ? "mcp" : context.user, path));
    }
  }
  return good("one range of at least 65536 ids, nobody else's");
}

DoctorFinding check_newuidmap(const DoctorContext& context) {
  const std::string path = find_program(context.env, "newuidmap");
  if (path.empty()) {
    return bad("fail", "newuidmap is not installed", "no rootless container can start",
               "apt-get install uidmap");
  }
  const Result<dsl::env::FileInfo> info = context.env.files().stat(path);
  const bool setuid = info && (info->mode & 04000) != 0;
  const bool capable = getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
  if (!setuid && !capable) {
    return bad("fail", text("{} is neither setuid nor has file capabilities", path),
               "newuidmap: write to uid_map failed: Operation not permitted",
               "apt-get install --reinstall uidmap");
  }
  struct statvfs mount {};
  if (statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0) {
    return bad("fail", text("{} lies on a file system mounted nosuid", path),
               "its setuid bit has no effect", "mount it without nosuid");
  }
  if (context.for_another()) {
    return good(text("{} is privileged (only {} itself can try it)", path, context.user));
  }
  const std::string refusal = context.uid == 0 ? "" : map_attempt(context, path);
  if (!refusal.empty()) {
    return bad("fail", text("a trial map was refused: {}", refusal),
               "no rootless container can start",
               "compare uid and /etc/subuid; look for no_new_privileges in the agent's unit");
  }
  return good(text("{} maps ids", path));
}

DoctorFinding check_runtime_dir(const DoctorContext& context) {
  const std::string& path = context.runtime_dir;
  if (path.empty()) {
    return bad(
        "fail", "XDG_RUNTIME_DIR is not set", "podman puts its state where nobody finds it",
        text("run the agent from its unit, or set XDG_RUNTIME_DIR=/run/user/{}", context.uid));
  }
  const Result<dsl::env::FileInfo> info = context.env.files().stat(path);
  if (!info) {
    return bad("fail", text("{} does not exist", path), "podman cannot start",
               text("install -d -m 0700 -o {} {} (as root), or loginctl enable-linger {}",
                    context.uid, path, context.user));
  }
  if (info->uid != context.uid || (info->mode & 077) != 0) {
    return bad("fail", text("{} is not private to uid {}", path, context.uid), "podman refuses it",
               text("chown {} {} && chmod 0700 {}", context.uid, path, path));
  }
  return good(text("{} exists, is ours and private", path));
}

}  // namespace mcp::agent
