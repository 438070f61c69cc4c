#include "mcp/agent/doctor_host.h"

#include "dsl/env/path.h"
#include "mcp/agent/sample.h"

namespace mcp::agent::test {

using dsl::test::require_ok;

namespace {

constexpr std::uint32_t kOwner = 850;

constexpr const char* kMcns = R"(name = "mcns"
version = "v1"
tier = "foundation"
[[components]]
ports = ["127.0.1.7:53:53/tcp", "192.0.2.7:53:53/udp", "100.64.0.7:53:53/udp"]
)";
constexpr const char* kWeb = R"(name = "web"
version = "v1"
[[components]]
ports = ["127.0.0.1:8080:8080"]
)";

constexpr const char* kAddresses = R"([
 {"ifname":"lo","flags":["LOOPBACK","UP"],"addr_info":[{"local":"127.0.0.1"}]},
 {"ifname":"eth0","flags":["BROADCAST","UP"],"addr_info":[{"local":"192.0.2.7"}]},
 {"ifname":"overlay0","flags":["POINTOPOINT","UP"],"addr_info":[{"local":"100.64.0.7"}]}])";

}  // namespace

DoctorHost::DoctorHost() {
  env().use_processes(tools);
  env().variables = {{"HOME", "/srv/mcp"}, {"XDG_RUNTIME_DIR", "/run/user/850"}};
  config = node_.config;
  config.uid = kOwner;
  config.gid = kOwner;
  config.node_addresses = {{"lan", "192.0.2.7"}, {"overlay", "100.64.0.7"}};
  config.ca_cert = "/srv/mcp/ca.crt";
  reach = {.euid = kOwner,
           .egid = kOwner,
           .ask_resolver = [](const std::string&) { return Result<void>(); },
           .probe = [](const boot::Gate&) { return boot::Answer{.pass = true}; }};

  write("/etc/passwd", "root:x:0:0::/root:/bin/sh\nmcp:x:850:850::/srv/mcp:/bin/sh\n");
  write("/etc/group", "root:x:0:\nmcp:x:850:\nmcp-admin:x:860:\n");
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
    write(path, "mcp:100000:65536\nother:200000:65536\n");
  }
  write("/usr/bin/newuidmap", "program", 04755);
  tools.print("newuidmap", "");
  write("/proc/self/status", "Name:\tmcp-agent\nNoNewPrivs:\t0\n");
  write("/dev/net/tun", "");
  make_folder("/run/systemd/system", 0755, 0);
  write("/var/lib/systemd/linger/mcp", "");
  make_folder("/run/user", 0755, 0);
  make_folder("/run/user/850", 0700, kOwner);
  const std::string store = "/srv/mcp/.local/share/containers/storage";
  make_folder(store + "/libpod", 0700, kOwner);
  write(store + "/overlay-images/images.json", R"([{"id":"0a","names":["mcr.test:8443/mcns:v1"]},)"
                                               R"({"id":"0b","names":["mcr.test:8443/web:v1"]}])");
  write("/srv/mcp/.config/containers/storage.conf", "[storage]\ndriver = \"overlay\"\n");
  write("/proc/sys/user/max_user_namespaces", "96365\n");
  write("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  write("/sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
  write("/sys/fs/cgroup/user.slice/user-850.slice/user@850.service/cgroup.controllers",
        "cpu memory pids\n");
  tools.print("df", "1B-blocks Avail Mounted on\n100000000000 50000000000 /srv\n");
  write("/proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n");
  write("/proc/self/limits", "Limit Soft Hard Units\nMax open files  1024  65536  files\n");
  write("/run/systemd/timesync/synchronized", "");
  write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "53\n");
  tools.print("ip", kAddresses);
  write("/usr/sbin/nft", "program", 0755);
  tools.print("nft", R"({"nftables":[{"metainfo":{}}]})");
  write("/etc/resolv.conf", "nameserver 192.0.2.7\nnameserver 9.9.9.9\n");
  write(config.ca_cert, ca_.pem());
  write("/srv/mcp/.config/containers/certs.d/mcr.test:8443/ca.crt", ca_.pem());
  show_certificate({.names = {"rift", "192.0.2.7", "100.64.0.7"}});
  write(config.face.socket_path, "", 0660, kOwner);

  require_ok(registry().set_node({.name = "rift",
                                  .uid = kOwner,
                                  .gid = kOwner,
                                  .graph_root = store,
                                  .run_root = "/run/user/850/containers",
                                  .boot_id = "boot-1"}));
  put("mcns", kMcns);
  put("web", kWeb);
  for (const char* service : {"mcns", "web"}) {
    make_folder(std::string("/srv/") + service, 0750, kOwner);
    write(dsl::text("/srv/{}/{}.db", service, service), "data", 0640, kOwner);
  }
}

void DoctorHost::put(const std::string& service, const std::string& toml) {
  const auto former = require_ok(registry().service(service));
  ServiceRecord record = record_of(resolved(service, toml), former ? former->generation + 1 : 1);
  record.updated_ms = 1;
  require_ok(registry().put_service(record, "test"));
  record = *require_ok(registry().service(service));
  require_ok(Mirror(env(), config.specs_dir).write(record));
}

void DoctorHost::show_certificate(const dsl::test::IssueOptions& options) {
  const dsl::test::IssuedPair pair = ca_.issue(options);
  config.face.tls_cert = "/srv/mcp/agent.crt";
  config.face.tls_key = "/srv/mcp/agent.key";
  write(config.face.tls_cert, pair.cert_pem);
  write(config.face.tls_key, pair.key_pem);
}

void DoctorHost::write(const std::string& path, const std::string& content, std::uint32_t mode,
                       std::uint32_t owner) {
  require_ok(env().memory_files().make_directories(dsl::env::folder_of(path), 0755));
  require_ok(env().memory_files().write_file(path, content, mode));
  require_ok(env().memory_files().set_mode(path, mode));
  require_ok(env().memory_files().set_owner(path, owner, owner));
}

void DoctorHost::make_folder(const std::string& path, std::uint32_t mode, std::uint32_t owner) {
  require_ok(env().memory_files().make_directories(path, mode));
  require_ok(env().memory_files().set_mode(path, mode));
  require_ok(env().memory_files().set_owner(path, owner, owner));
}

void DoctorHost::remove(const std::string& path) { require_ok(env().memory_files().remove(path)); }

std::vector<DoctorFinding> DoctorHost::examine(const std::vector<std::string>& only) {
  return examine_node(env(), config, registry_readable ? &registry() : nullptr, only, reach);
}

DoctorFinding DoctorHost::check(const std::string& id) {
  const std::vector<DoctorFinding> findings = examine({id});
  return findings.empty() ? DoctorFinding{} : findings.front();
}

}  // namespace mcp::agent::test
