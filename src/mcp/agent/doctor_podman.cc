// Podman's ground: privileges, device, store, images.
#include <map>

#include <unistd.h>

#include "dsl/env/path.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

DoctorFinding check_no_new_privileges(const DoctorContext& context) {
  const std::string status = context.env.files().read_file("/proc/self/status").value_or("");
  for (const std::string& line : lines_of(status)) {
    if (line.starts_with("NoNewPrivs:") && line.ends_with("1")) {
      return bad(context.config.podman_mode == "socket" ? "warn" : "fail",
                 "this process runs with no_new_privileges",
                 "newuidmap has no effect, so a podman service of ours cannot start containers",
                 "use the unit without hardening (spawn mode), or podman's own socket");
    }
  }
  return good("no_new_privileges is off");
}

DoctorFinding check_tun(const DoctorContext& context) {
  const std::string path = "/dev/net/tun";
  if (!context.env.files().exists(path).value_or(false)) {
    return bad("fail", text("{} does not exist", path),
               "slirp4netns cannot give containers a network",
               "modprobe tun; in a container or sandbox: pass the device in");
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    return bad("fail", text("{} cannot be opened by uid {}", path, context.uid),
               "slirp4netns cannot give containers a network",
               text("chmod 0666 {} (as root)", path));
  }
  return good(text("{} is readable and writable", path));
}

namespace {

// Podman's own records of its containers, by version; with them aside it begins new ones.
std::vector<Repair> park_databases(const DoctorContext& context) {
  std::vector<Repair> repairs;
  const std::string root = graph_root(context);
  for (const std::string& path : {root + "/libpod/bolt_state.db", root + "/db.sql"}) {
    const std::string aside = text("{}.of-uid-{}", path, context.node->uid);
    if (context.env.files().exists(path).value_or(false) &&
        !context.env.files().exists(aside).value_or(true)) {
      repairs.push_back({.argv = {"mv", path, aside}});
    }
  }
  return repairs;
}

// The registry still names the former uid, for which the agent refuses to start.
Repair record_identity(const DoctorContext& context) {
  const auto work = [&env = context.env, &config = context.config, uid = context.uid,
                     gid = context.gid, run_root = context.runtime_dir + "/containers",
                     graph = graph_root(context)]() -> Result<void> {
    MC_ASSIGN(const auto lock,
              env.files().lock(config.database_path + ".lock", "mcp-agent doctor --fix"));
    MC_ASSIGN(const auto registry,
              Registry::open(env, config.database_path, config.replica.options()));
    MC_ASSIGN(std::optional<NodeRecord> node, registry->node());
    if (!node) {
      return {};
    }
    node->uid = uid;
    node->gid = gid;
    node->run_root = run_root;
    node->graph_root = graph;
    return registry->set_node(*node);
  };
  return {.argv = {"record", text("uid {}", context.uid), text("gid {}", context.gid), "in",
                   context.config.database_path},
          .work = work};
}

// What the former uid owned: the agent's directory, the data, and podman's store. Subordinate ids
// are others, and stay.
std::vector<Repair> give_back(const DoctorContext& context) {
  std::vector<Repair> repairs;
  const NodeRecord& recorded = *context.node;
  if (!others_with_id(context.env, "/etc/passwd", recorded.uid, context.user).empty()) {
    return {};  // somebody else has it by now, and may own files there
  }
  for (const std::string& root : {dsl::env::folder_of(context.config.database_path),
                                  context.config.data_root, graph_root(context)}) {
    const auto info = context.env.files().stat(root);
    if (info && info->uid == recorded.uid) {
      repairs.push_back({.argv = {"chown", "-hR", text("--from={}:{}", recorded.uid, recorded.gid),
                                  text("{}:{}", context.uid, context.gid), root},
                         .needs_root = true});
    }
  }
  return repairs;
}

// The operator has said in [identity] that the uid changed for good: then its traces may go.
DoctorFinding other_uid(const DoctorContext& context, const NodeRecord& recorded) {
  DoctorFinding finding = bad(
      "fail",
      text("podman's run root was {} (uid {}), now it lies in {} (uid {})", recorded.run_root,
           recorded.uid, context.runtime_dir, context.uid),
      "podman's database keeps paths of another uid: its containers are lost, and the agent "
      "refuses to start",
      text("give the user uid {} back; or, since identity.uid says {}: mcp-agent doctor runroot "
           "--fix (as root) gives it what uid {} owned, puts podman's database aside and records "
           "the new uid, then mcp-agent recover",
           recorded.uid, context.uid, recorded.uid));
  finding.repairs = give_back(context);
  for (Repair& repair : park_databases(context)) {
    finding.repairs.push_back(std::move(repair));
  }
  finding.repairs.push_back(record_identity(context));
  return finding;
}

}  // namespace

DoctorFinding check_runroot(const DoctorContext& context) {
  if (!context.node || context.node->run_root.empty()) {
    return skipped("nothing recorded yet");
  }
  const NodeRecord& recorded = *context.node;
  const bool declared = context.config.uid == std::int64_t{context.uid};
  if (recorded.uid != context.uid && declared) {
    return other_uid(context, recorded);
  }
  // Another user's XDG_RUNTIME_DIR is not for root to know: the recorded one will do if it is
  // there.
  const std::string folder = dsl::env::folder_of(recorded.run_root);
  const Result<dsl::env::FileInfo> info = context.env.files().stat(folder);
  const bool as_recorded = folder == context.runtime_dir ||
                           recorded.run_root.starts_with(context.runtime_dir + "/") ||
                           (context.for_another() && info && info->uid == context.uid);
  if (!as_recorded) {
    return bad("fail",
               text("podman's run root was {}, now it would lie in {}", recorded.run_root,
                    context.runtime_dir),
               "podman's database keeps paths of another uid or session: its containers are lost",
               text("restore the uid, and set XDG_RUNTIME_DIR={}; if they changed for good, "
                    "mcp-agent recover",
                    folder));
  }
  if (!context.env.files().exists(recorded.graph_root).value_or(false)) {
    return bad("fail", text("the store {} does not exist", recorded.graph_root),
               "images and containers are elsewhere or gone",
               "set HOME as it was, or load the images and run mcp-agent recover");
  }
  return good(
      text("run root {} and store {} are as recorded", recorded.run_root, recorded.graph_root));
}

DoctorFinding check_driver(const DoctorContext& context) {
  const std::string root = graph_root(context);
  if (context.env.files().exists(root + "/vfs-images").value_or(false)) {
    return bad("warn", text("the store {} uses the vfs driver", root),
               "every container copies its whole image: slow, and the disk fills",
               "save the images, move the store away, put driver = \"overlay\" into "
               "~/.config/containers/storage.conf, load the images, mcp-agent recover");
  }
  for (const std::string& path : {context.home + "/.config/containers/storage.conf",
                                  std::string("/etc/containers/storage.conf")}) {
    const std::string content = context.env.files().read_file(path).value_or("");
    for (const std::string& line : lines_of(content)) {
      const std::size_t start = line.find_first_not_of(" \t");
      if (start != std::string::npos && line.substr(start).starts_with("driver") &&
          line.find("\"overlay\"") != std::string::npos) {
        return good(text("overlay, by {}", path));
      }
    }
  }
  return bad("warn", "no storage.conf says driver = \"overlay\"",
             "podman 4.3 picks vfs for a new store and keeps it",
             "write [storage] driver = \"overlay\" to ~/.config/containers/storage.conf");
}

DoctorFinding check_images(const DoctorContext& context) {
  if (context.registry == nullptr) {
    return skipped("the registry is not readable");
  }
  const std::set<std::string> cached = cached_images(context);
  std::vector<std::string> missing;
  std::map<std::string, std::pair<int, int>> tiers;  // cached, all
  for (const ServiceRecord& record : registered(context)) {
    for (const ComponentRecord& component : record.components) {
      const bool here = is_cached(cached, component);
      tiers[record.service.tier].first += here ? 1 : 0;
      tiers[record.service.tier].second += 1;
      if (!here) {
        missing.push_back(component.image);
      }
    }
  }
  std::vector<std::string> counts;
  for (const auto& [tier, count] : tiers) {
    counts.push_back(text("{} {}/{}", tier, count.first, count.second));
  }
  if (missing.empty()) {
    return good(counts.empty() ? "no service is registered"
                               : text("all images are cached: {}", joined(counts)));
  }
  const std::size_t archives = image_archives(context).size();
  const std::string folder =
      context.config.image_dirs.empty() ? "agent.image_dirs" : context.config.image_dirs.front();
  return bad("warn", text("not cached: {} (cached: {})", joined(missing), joined(counts)),
             "these components cannot be recreated without a registry",
             archives == 0
                 ? text("podman load -i ARCHIVE, or put the archives into {}", folder)
                 : text("recover looks for them in {} archives of {}; podman load -i ARCHIVE "
                        "brings one now",
                        archives, folder));
}

}  // namespace mcp::agent
