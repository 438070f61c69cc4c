// MCP-A8: every check of the doctor finds its fault on a host that was prepared with it, and says
// nothing against the same host without it.

#include "mcp/agent/doctor.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/agent/doctor_host.h"
#include "mcp/model/catalogue.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Fault {
  const char* check;
  const char* name;
  void (*breaks)(DoctorHost&);
  const char* severity;
  const char* finding;  // part of what is found
  const char* fix;      // part of the way out
};

std::string with_53(const char* version) {
  return std::string("name = \"mcns\"\nversion = \"") + version +
         "\"\ntier = \"foundation\"\n[[components]]\nports = [\"192.0.2.7:53:53/udp\"]\n";
}

const Fault kFaults[] = {
    {"uid.pinned", "OtherUid", [](DoctorHost& h) { h.config.uid = 995; }, "fail", "runs as uid 850",
     "usermod -u 995"},
    {"uid.collision", "Shared",
     [](DoctorHost& h) {
       h.write("/etc/passwd", "mcp:x:850:850::/srv/mcp:/bin/sh\nsshd:x:850:850::/:/bin/false\n");
     },
     "fail", "also belongs to sshd", "usermod -u"},
    {"uid.collision", "Nobody",
     [](DoctorHost& h) { h.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"); }, "fail",
     "no user has uid 850", "/etc/passwd"},
    {"subid", "None", [](DoctorHost& h) { h.write("/etc/subgid", "other:1:65536\n"); }, "fail",
     "/etc/subgid has no range for mcp", "mcp:100000:65536"},
    {"subid", "Short", [](DoctorHost& h) { h.write("/etc/subuid", "mcp:100000:1000\n"); }, "fail",
     "only 1000 ids", "/etc/subuid"},
    {"subid", "Overlap",
     [](DoctorHost& h) { h.write("/etc/subuid", "mcp:100000:65536\nother:110000:65536\n"); },
     "fail", "overlaps that of other", "another free range"},
    {"newuidmap", "Missing", [](DoctorHost& h) { h.remove("/usr/bin/newuidmap"); }, "fail",
     "not installed", "apt-get install uidmap"},
    {"newuidmap", "Refused",
     [](DoctorHost& h) {
       h.tools.refuse("newuidmap", "newuidmap: write to uid_map failed: Operation not permitted");
     },
     "fail", "Operation not permitted", "/etc/subuid"},
    {"nnp", "Set", [](DoctorHost& h) { h.write("/proc/self/status", "NoNewPrivs:\t1\n"); }, "fail",
     "no_new_privileges", "without hardening"},
    {"tun", "Missing", [](DoctorHost& h) { h.remove("/dev/net/tun"); }, "fail", "does not exist",
     "modprobe tun"},
    {"linger", "Off", [](DoctorHost& h) { h.remove("/var/lib/systemd/linger/mcp"); }, "fail",
     "mcp does not linger", "loginctl enable-linger mcp"},
    {"runtime_dir", "Unset", [](DoctorHost& h) { h.env().variables.erase("XDG_RUNTIME_DIR"); },
     "fail", "not set", "/run/user/850"},
    {"runtime_dir", "Open", [](DoctorHost& h) { h.make_folder("/run/user/850", 0755, 850); },
     "fail", "not private", "chmod 0700"},
    {"runroot", "OfAnotherUid",
     [](DoctorHost& h) {
       (void)h.registry().set_node({.name = "rift",
                                    .uid = 995,
                                    .gid = 995,
                                    .graph_root = "/srv/mcp/.local/share/containers/storage",
                                    .run_root = "/run/user/995/containers"});
     },
     "fail", "was /run/user/995/containers (uid 995)", "give the user uid 995 back"},
    {"driver", "Vfs",
     [](DoctorHost& h) {
       h.make_folder("/srv/mcp/.local/share/containers/storage/vfs-images", 0700, 850);
     },
     "warn", "vfs", "driver = \"overlay\""},
    {"driver", "Unsaid",
     [](DoctorHost& h) { h.remove("/srv/mcp/.config/containers/storage.conf"); }, "warn",
     "no storage.conf", "overlay"},
    {"kernel", "NoNamespaces",
     [](DoctorHost& h) { h.write("/proc/sys/user/max_user_namespaces", "0\n"); }, "fail",
     "forbids user namespaces", "sysctl -w user.max_user_namespaces="},
    {"kernel", "OldWithoutFuse",
     [](DoctorHost& h) { h.write("/proc/sys/kernel/osrelease", "5.10.0-8-amd64\n"); }, "fail",
     "no overlay mounts without privilege", "fuse-overlayfs"},
    {"kernel", "NotDelegated",
     [](DoctorHost& h) {
       h.write("/sys/fs/cgroup/user.slice/user-850.slice/user@850.service/cgroup.controllers",
               "pids\n");
     },
     "warn", "not delegated to mcp: cpu, memory", "Delegate="},
    {"kernel", "CgroupV1", [](DoctorHost& h) { h.remove("/sys/fs/cgroup/cgroup.controllers"); },
     "warn", "cgroup v2 is not mounted", "unified_cgroup_hierarchy"},
    {"disk", "Full",
     [](DoctorHost& h) { h.tools.print("df", "size avail on\n100000000000 1000000 /srv\n"); },
     "fail", "has 0 MiB of 93 GiB left", "podman image prune"},
    {"disk", "Low",
     [](DoctorHost& h) { h.tools.print("df", "size avail on\n100000000000 5000000000 /srv\n"); },
     "warn", "has 4 GiB", "Leave databases"},
    {"inodes", "Gone",
     [](DoctorHost& h) { h.tools.print("df", "inodes free on\n1000000 2000 /srv\n"); }, "fail",
     "2000 of 1000000 inodes", "podman image prune"},
    {"memory", "Short",
     [](DoctorHost& h) {
       h.write("/proc/meminfo", "MemTotal: 16000000 kB\nMemAvailable: 100000 kB\n");
     },
     "warn", "97 MiB of 15 GiB", "swap"},
    {"nofile", "Few",
     [](DoctorHost& h) {
       h.write("/proc/self/limits", "Max open files            512     512     files\n");
     },
     "fail", "512 files", "LimitNOFILE"},
    {"clock", "Drifting",
     [](DoctorHost& h) {
       h.remove("/run/systemd/timesync/synchronized");
       h.tools.print("timedatectl", "no\n");
     },
     "warn", "not synchronized", "set-ntp true"},
    {"clock", "Behind",
     [](DoctorHost& h) {
       h.env().manual_clock().set_wall(h.env().clock().now() - std::chrono::hours(48));
     },
     "fail", "but the registry was changed at", "set-ntp true"},
    {"registry", "Unreadable", [](DoctorHost& h) { h.registry_readable = false; }, "fail",
     "not readable", "mcp-agent rebuild"},
    {"registry", "MirrorDiffers",
     [](DoctorHost& h) { h.write(h.config.specs_dir + "/web.json", "{}"); }, "warn",
     "the mirror of web", "restart the agent"},
    {"registry", "BackupDue",
     [](DoctorHost& h) { h.config.backup.targets = {"file:///mnt/backup"}; }, "warn",
     "no whole backup yet", "mcp-agent backup create"},
    {"registry", "Gone",
     [](DoctorHost& h) {
       h.registry_readable = false;
       h.config.database_path = "/srv/mcp/gone.db";
     },
     "fail", "is gone, and the mirror", "mcp-agent rebuild"},
    {"sockets", "OpenToAll",
     [](DoctorHost& h) { h.write(h.config.face.socket_path, "", 0666, 850); }, "fail",
     "anybody may use", "chmod 0660"},
    {"sockets", "OtherGroup",
     [](DoctorHost& h) {
       h.write(h.config.face.socket_path, "", 0660, 850);
       (void)h.env().memory_files().set_owner(h.config.face.socket_path, 850, 100);
     },
     "fail", "members of group 100", "chgrp mcp-admin"},
    {"sockets", "OpenPodman",
     [](DoctorHost& h) {
       h.config.podman_socket = "/srv/podman/podman.sock";
       h.make_folder("/run/user/850", 0755, 850);
       h.write("/srv/podman/podman.sock", "", 0666, 850);
     },
     "fail", "open to others", "chmod 0600"},
    {"restart_unit", "Enabled",
     [](DoctorHost& h) {
       h.write("/srv/mcp/.config/systemd/user/default.target.wants/podman-restart.service", "x");
     },
     "fail", "is enabled", "systemctl --user mask podman-restart.service"},
    {"images", "NotCached",
     [](DoctorHost& h) {
       h.write("/srv/mcp/.local/share/containers/storage/overlay-images/images.json", "[]");
     },
     "warn", "mcr.test:8443/web:v1", "podman load -i"},
    {"data", "FormerUid", [](DoctorHost& h) { h.write("/srv/web/web.db", "d", 0644, 995); }, "fail",
     "owned by uid 995, outside the map, so it is 65534", "chown -hR --from=995 850:850"},
    {"data", "Missing",
     [](DoctorHost& h) {
       h.remove("/srv/web/web.db");
       h.remove("/srv/web");
     },
     "fail", "/srv/web of web does not exist", "mount the file system"},
    {"boot", "FoundationNotCached",
     [](DoctorHost& h) {
       h.write("/srv/mcp/.local/share/containers/storage/overlay-images/images.json",
               R"([{"id":"0b","names":["mcr.test:8443/web:v1"]}])");
     },
     "fail", "mcns is of the stage foundation", "podman save"},
    {"boot", "Cycle",
     [](DoctorHost& h) {
       h.put("web", "name = \"web\"\nversion = \"v1\"\ndepends_on = [\"api\"]\n");
       h.put("api", "name = \"api\"\nversion = \"v1\"\ndepends_on = [\"web\"]\n");
     },
     "fail", "web", "depends_on"},
    {"boot", "LaterTier",
     [](DoctorHost& h) {
       h.put("mcns",
             "name = \"mcns\"\nversion = \"v1\"\ntier = \"foundation\"\ndepends_on = [\"web\"]\n");
     },
     "fail", "mcns.depends_on", "tier"},
    {"overlay", "Gone",
     [](DoctorHost& h) {
       h.tools.print("ip", R"([{"flags":["UP"],"addr_info":[{"local":"192.0.2.7"}]}])");
     },
     "fail", "100.64.0.7 (overlay) is on no interface", "tailscale up"},
    {"overlay", "Down",
     [](DoctorHost& h) {
       h.tools.print("ip", R"([{"flags":[],"addr_info":[{"local":"192.0.2.7"}]},)"
                           R"({"flags":["UP"],"addr_info":[{"local":"100.64.0.7"}]}])");
     },
     "fail", "192.0.2.7 (lan) is on an interface that is down", "bring the interface"},
    {"privileged_ports", "TooLow",
     [](DoctorHost& h) { h.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n"); },
     "fail", "mcns/mcns wants port 53, unprivileged ports begin at 1024",
     "sysctl -w net.ipv4.ip_unprivileged_port_start=53"},
    {"port53", "StubResolver",
     [](DoctorHost& h) {
       // 0.0.0.0:53 of uid 101
       h.write("/proc/net/udp", "head\n 1: 00000000:0035 00000000:0000 07 0:0 00:0 0 101 0 9 2\n");
     },
     "fail", "port 53 is held: 0.0.0.0:53/udp", "DNSStubListener=no"},
    {"firewall", "DropsDns",
     [](DoctorHost& h) {
       h.tools.print("nft", R"({"nftables":[
         {"chain":{"family":"inet","table":"filter","name":"input","type":"filter",
                   "hook":"input","prio":0,"policy":"drop"}},
         {"rule":{"family":"inet","table":"filter","chain":"input","expr":[
           {"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},
                     "right":{"set":[22,{"range":[9444,9445]}]}}},{"accept":null}]}}]})");
     },
     "fail", "192.0.2.7:53/udp of mcns/mcns",
     "nft insert rule inet filter input udp dport 53 accept"},
    {"resolvers", "OnlyOurs",
     [](DoctorHost& h) { h.write("/etc/resolv.conf", "nameserver 192.0.2.7\n"); }, "fail",
     "every resolver is our own", "nameserver 192.0.2.7\\nnameserver 9.9.9.9\\nnameserver 1.1.1.1"},
    {"resolvers", "StubOfOurs",
     [](DoctorHost& h) {
       h.write("/etc/resolv.conf", "nameserver 127.0.0.53\n");
       h.write("/run/systemd/resolve/resolv.conf", "nameserver 100.64.0.7\n");
     },
     "fail", "100.64.0.7", "resolved.conf.d"},
    {"resolvers", "BeyondTheThird",
     [](DoctorHost& h) {
       h.write("/etc/resolv.conf",
               "nameserver 192.0.2.7\nnameserver 100.64.0.7\nnameserver 127.0.0.1\nnameserver "
               "9.9.9.9\n");
     },
     "fail", "every resolver is our own", "nameserver 9.9.9.9"},
    {"resolvers", "Silent",
     [](DoctorHost& h) {
       h.reach.ask_resolver = [](const std::string&) -> Result<void> {
         return dsl::fail(dsl::Code::kDeadlineExceeded, "no answer within 2 s");
       };
     },
     "warn", "9.9.9.9: no answer", "does it let 53 out"},
    {"resolvers", "Unreadable",
     [](DoctorHost& h) { h.write("/etc/resolv.conf", "nameserver 9.9.9.9\n", 0600); }, "fail",
     "build containers cannot read it", "chmod 0644"},
    {"overlay_dns", "CatchAll",
     [](DoctorHost& h) {
       h.write("/run/systemd/resolve/netif/3", "DNS=100.64.0.7\nDOMAINS=~. mcp.example\n");
     },
     "fail", "netif/3: every name (~.) goes to 100.64.0.7", "Domains=~svc.mcp"},
    {"overlay_dns", "MagicDns",
     [](DoctorHost& h) { h.write("/etc/resolv.conf", "nameserver 100.100.100.100\n"); }, "warn",
     "100.100.100.100", "--accept-dns=false"},
    {"overlay_dns", "WgQuick",
     [](DoctorHost& h) { h.write("/etc/wireguard/wg0.conf", "[Interface]\nDNS = 100.64.0.7\n"); },
     "fail", "wg0.conf", "our zones only"},
    {"tls.san", "NameMissing",
     [](DoctorHost& h) {
       h.show_certificate({.names = {"rift", "192.0.2.7"}});
     },
     "fail", "does not carry 100.64.0.7; it carries rift, 192.0.2.7", "for the names rift"},
    {"tls.san", "ForeignKey",
     [](DoctorHost& h) { h.write(h.config.face.tls_key, dsl::test::TestCa().issue({}).key_pem); },
     "fail", "agent.crt", "issue"},
    {"tls.san", "Expires",
     [](DoctorHost& h) {
       h.show_certificate({.names = {"rift", "192.0.2.7", "100.64.0.7"},
                           .not_after = h.env().clock().now() + std::chrono::hours(100)});
     },
     "warn", "expires in 4 days", "anew"},
    {"tls.trust", "Unset", [](DoctorHost& h) { h.config.ca_cert.clear(); }, "warn",
     "agent.ca_cert is not set", "agent.ca_cert"},
    {"tls.trust", "PodmanDoesNot",
     [](DoctorHost& h) {
       h.write("/srv/mcp/.config/containers/certs.d/mcr.test:8443/ca.crt",
               dsl::test::TestCa("another").pem());
     },
     "warn", "podman does not trust", "certs.d/mcr.test:8443"},
    {"deps", "NamesDown",
     [](DoctorHost& h) {
       h.put("mcns", with_53("v2"));
       h.reach.probe = [](const boot::Gate&) {
         return boot::Answer{.pass = false, .text = "dns 192.0.2.7:53 udp: refused"};
       };
     },
     "warn", "mcns (names): dns 192.0.2.7:53 udp: refused", "mcp restart mcns"},
};

class EachFault : public ::testing::TestWithParam<Fault> {};

TEST_P(EachFault, IsFoundWithItsWayOut) {
  const Fault& fault = GetParam();
  DoctorHost host;
  EXPECT_EQ(host.check(fault.check).severity, "ok") << host.check(fault.check).finding;

  fault.breaks(host);
  const DoctorFinding finding = host.check(fault.check);

  EXPECT_EQ(finding.severity, fault.severity);
  EXPECT_THAT(finding.finding, HasSubstr(fault.finding));
  EXPECT_THAT(finding.fix, HasSubstr(fault.fix));
  EXPECT_THAT(finding.consequence, Not(IsEmpty()));
  const model::CatalogueEntry* entry = model::explain(finding.code);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->check, fault.check);
}

INSTANTIATE_TEST_SUITE_P(Doctor, EachFault, ::testing::ValuesIn(kFaults), [](const auto& param) {
  std::string name = std::string(param.param.check) + "_" + param.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(Doctor, EveryCheckHasAFaultAbove) {
  std::set<std::string> proven;
  for (const Fault& fault : kFaults) {
    proven.insert(fault.check);
  }

  const std::vector<std::string> all = check_names();

  EXPECT_EQ(proven, std::set<std::string>(all.begin(), all.end()));
}

TEST(Doctor, SaysNothingAgainstAHealthyHost) {
  DoctorHost host;

  for (const DoctorFinding& finding : host.examine()) {
    EXPECT_EQ(finding.severity, "ok") << finding.id << ": " << finding.finding;
  }
}

TEST(Doctor, LooksAtTheAgentsUserWhenRootAsks) {
  DoctorHost host;
  host.reach.euid = 0;
  host.reach.egid = 0;
  host.env().variables = {{"HOME", "/root"}};

  for (const DoctorFinding& finding : host.examine()) {
    EXPECT_EQ(finding.severity, "ok") << finding.id << ": " << finding.finding;
  }
}

TEST(Doctor, OfflineAsksNobody) {
  DoctorHost host;
  host.reach.offline = true;
  host.reach.ask_resolver = [](const std::string&) -> Result<void> {
    ADD_FAILURE() << "a resolver was asked";
    return {};
  };
  host.reach.probe = [](const boot::Gate&) {
    ADD_FAILURE() << "a service was asked";
    return boot::Answer{};
  };

  EXPECT_EQ(host.check("resolvers").severity, "ok");
  EXPECT_EQ(host.check("deps").severity, "skip");
}

TEST(Doctor, RulesThatOnlyRootMayReadAreSkippedWithTheCommand) {
  DoctorHost host;
  host.tools.refuse("nft", "Operation not permitted (you must be root)");

  const DoctorFinding finding = host.check("firewall");

  EXPECT_EQ(finding.severity, "skip");
  EXPECT_THAT(finding.finding, HasSubstr("mcp-agent doctor firewall, as root"));
}

// No advice of a finding or of the catalogue removes a database.
TEST(Doctor, NeverAdvisesToDeleteADatabase) {
  for (const Fault& fault : kFaults) {
    DoctorHost host;
    fault.breaks(host);
    const DoctorFinding finding = host.check(fault.check);
    for (const char* removal : {"rm ", "rm -", "delete", "unlink", "DROP", "system reset"}) {
      EXPECT_THAT(finding.fix, Not(HasSubstr(removal))) << fault.check;
      for (const Repair& repair : finding.repairs) {
        for (const std::string& word : repair.argv) {
          EXPECT_THAT(word, Not(HasSubstr(removal))) << fault.check;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mcp::agent::test
