// Podman's ground: privileges, device, store, images.
#include <set>

#include <boost/json.hpp>
#include <unistd.h>

#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

namespace json = boost::json;
using dsl::text;

namespace {

std::string home(const DoctorContext& context) { return context.env.variable("HOME").value_or(""); }

std::string graph_root(const DoctorContext& context) {
  if (context.node && !context.node->graph_root.empty()) {
    return context.node->graph_root;
  }
  return home(context) + "/.local/share/containers/storage";
}

// Every name and digest that the image store knows, read from its own index.
std::set<std::string> cached_images(const DoctorContext& context) {
  std::set<std::string> names;
  const Result<std::string> index =
      context.env.files().read_file(graph_root(context) + "/overlay-images/images.json");
  boost::system::error_code error;
  const json::value value = json::parse(index.value_or("[]"), error);
  if (error || !value.is_array()) {
    return names;
  }
  for (const json::value& image : value.get_array()) {
    if (!image.is_object()) {
      continue;
    }
    for (const char* key : {"names", "digest", "id"}) {
      const json::value* field = image.get_object().if_contains(key);
      if (field == nullptr) {
        continue;
      }
      if (field->is_string()) {
        names.emplace(field->get_string());
      } else if (field->is_array()) {
        for (const json::value& name : field->get_array()) {
          if (name.is_string()) {
            names.emplace(name.get_string());
          }
        }
      }
    }
  }
  return names;
}

}  // namespace

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

DoctorFinding check_runroot(const DoctorContext& context) {
  if (!context.node) {
    return skipped("nothing recorded yet");
  }
  const std::string runtime_dir = context.env.variable("XDG_RUNTIME_DIR").value_or("");
  if (!context.node->run_root.starts_with(runtime_dir + "/")) {
    return bad("fail",
               text("podman's run root was {}, now it would lie in {}", context.node->run_root,
                    runtime_dir),
               "podman's database keeps paths of another uid or session: its containers are lost",
               "restore the uid and XDG_RUNTIME_DIR; if they changed for good, mcp-agent recover");
  }
  const std::string expected = home(context) + "/";
  if (!context.node->graph_root.starts_with(expected) &&
      !context.env.files().exists(context.node->graph_root).value_or(false)) {
    return bad("fail", text("the store {} does not exist", context.node->graph_root),
               "images and containers are elsewhere or gone",
               "set HOME as it was, or load the images and run mcp-agent recover");
  }
  return good(text("run root {} and store {} are as recorded", context.node->run_root,
                   context.node->graph_root));
}

DoctorFinding check_driver(const DoctorContext& context) {
  const std::string root = graph_root(context);
  if (context.env.files().exists(root + "/vfs-images").value_or(false)) {
    return bad("warn", text("the store {} uses the vfs driver", root),
               "every container copies its whole image: slow, and the disk fills",
               "save the images, move the store away, put driver = \"overlay\" into "
               "~/.config/containers/storage.conf, load the images, mcp-agent recover");
  }
  for (const std::string& path : {home(context) + "/.config/containers/storage.conf",
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
  const auto services = context.registry->services();
  if (!services) {
    return skipped(services.error().message());
  }
  const std::set<std::string> cached = cached_images(context);
  std::string missing;
  std::size_t count = 0;
  for (const ServiceRecord& record : *services) {
    for (const ComponentRecord& component : record.components) {
      ++count;
      if (!cached.contains(component.image) && !cached.contains(component.image_digest)) {
        missing += (missing.empty() ? "" : ", ") + component.image;
      }
    }
  }
  if (missing.empty()) {
    return good(text("all {} images are cached", count));
  }
  return bad("warn", text("not cached: {}", missing),
             "these components cannot be recreated without a registry",
             text("podman load -i ARCHIVE, or put the archives into {}",
                  context.config.image_dirs.empty() ? "agent.image_dirs"
                                                    : context.config.image_dirs.front()));
}

}  // namespace mcp::agent
