// Names must resolve while our own DNS is down: the day that it is, the fix is on the internet.
#include <algorithm>

#include "dsl/env/path.h"
#include "mcp/agent/doctor_checks.h"

namespace mcp::agent {

using dsl::text;

namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";
// Where systemd-resolved lists the servers behind its stub on 127.0.0.53 and .54.
constexpr const char* kResolvedUpstreams = "/run/systemd/resolve/resolv.conf";
constexpr const char* kResolvedLinks = "/run/systemd/resolve/netif";
constexpr const char* kMagicDns = "100.100.100.100";
// resolv.conf(5): a further one is ignored.
constexpr std::size_t kNameserversMax = 3;
constexpr const char* kPublic[] = {"9.9.9.9", "1.1.1.1"};

std::vector<std::string> nameservers_in(const std::string& content) {
  std::vector<std::string> found;
  for (const std::string& line : lines_of(content)) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() >= 2 && words[0] == "nameserver" && found.size() < kNameserversMax) {
      found.push_back(words[1].substr(0, words[1].find('%')));
    }
  }
  return found;
}

std::string read(const DoctorContext& context, const std::string& path) {
  return context.env.files().read_file(path).value_or("");
}

bool is_stub(const std::string& ip) { return ip == "127.0.0.53" || ip == "127.0.0.54"; }

// What answers in the end: the stub's servers in its place.
std::vector<std::string> upstreams(const DoctorContext& context) {
  std::vector<std::string> found;
  for (const std::string& server : nameservers_in(read(context, kResolvConf))) {
    if (!is_stub(server)) {
      found.push_back(server);
      continue;
    }
    for (const std::string& behind : nameservers_in(read(context, kResolvedUpstreams))) {
      found.push_back(behind);
    }
  }
  return found;
}

// Another resolver than our own, whatever becomes of the overlay and of this node's services.
bool is_independent(const DoctorContext& context, const std::string& ip) {
  return !is_node_address(context, ip) && !is_loopback(ip) && ip != kMagicDns;
}

bool is_ours(const DoctorContext& context, const std::string& ip) {
  return is_node_address(context, ip) && !is_loopback(ip);
}

// The lines to write: what is there first, then two that do not depend on us.
std::string lines_to_write(const DoctorContext& context) {
  std::string lines;
  const auto add = [&](const std::string& server) {
    lines += text("{}nameserver {}", lines.empty() ? "" : "\\n", server);
  };
  for (const std::string& server : nameservers_in(read(context, kResolvConf))) {
    if (!is_independent(context, server) && lines.empty() && !is_stub(server)) {
      add(server);
    }
  }
  for (const char* server : kPublic) {
    add(server);
  }
  return lines;
}

std::string how_to_write(const DoctorContext& context) {
  const std::vector<std::string> servers = nameservers_in(read(context, kResolvConf));
  if (std::any_of(servers.begin(), servers.end(), is_stub)) {
    return text(
        "as root: printf '[Resolve]\\nDNS={} {}\\n' > "
        "/etc/systemd/resolved.conf.d/fallback.conf && systemctl restart "
        "systemd-resolved",
        kPublic[0], kPublic[1]);
  }
  return text("as root: printf '{}\\n' > {} (through what writes that file, if something does)",
              lines_to_write(context), kResolvConf);
}

struct Catchall {
  std::string file;
  std::string server;
};

std::vector<std::string> addresses_in(const std::string& value) {
  std::vector<std::string> found;
  for (std::string word : words_of(value)) {
    // "192.0.2.1:53%eth0#name" of resolved.conf; a comma of wg-quick.
    word = word.substr(0, word.find_first_of("%#,"));
    if (std::count(word.begin(), word.end(), ':') == 1) {
      word = word.substr(0, word.find(':'));
    }
    found.push_back(word);
  }
  return found;
}

// Every name goes to these servers: "~." among the domains, or servers without any domain.
void look_in(const DoctorContext& context, const std::string& path, bool needs_catchall,
             std::vector<Catchall>& found) {
  std::vector<std::string> servers;
  bool everything = !needs_catchall;
  for (const Assignment& line : assignments_of(read(context, path))) {
    const std::string key = line.key == "SERVERS" ? "DNS" : line.key;
    if (key == "DNS") {
      for (const std::string& server : addresses_in(line.value)) {
        servers.push_back(server);
      }
    } else if (key == "Domains" || key == "DOMAINS" || key == "ROUTE_DOMAINS") {
      const std::vector<std::string> words = words_of(line.value);
      everything = everything || std::any_of(words.begin(), words.end(), [](const auto& word) {
                     return word == "~." || word == ".";
                   });
    }
  }
  const bool other = std::any_of(servers.begin(), servers.end(), [&](const std::string& server) {
    return is_independent(context, server);
  });
  for (const std::string& server : servers) {
    if (everything && !other && (is_ours(context, server) || server == kMagicDns)) {
      found.push_back({path, server});
      return;
    }
  }
}

std::vector<std::string> files_in(const DoctorContext& context, const std::string& folder,
                                  std::string_view ending) {
  std::vector<std::string> files;
  for (const std::string& name :
       context.env.files().list(folder).value_or(std::vector<std::string>{})) {
    if (name.ends_with(ending)) {
      files.push_back(text("{}/{}", folder, name));
    }
  }
  return files;
}

std::vector<Catchall> catchalls(const DoctorContext& context) {
  std::vector<Catchall> found;
  look_in(context, "/etc/systemd/resolved.conf", true, found);
  for (const char* folder : {"/etc/systemd/resolved.conf.d", "/run/systemd/resolved.conf.d"}) {
    for (const std::string& path : files_in(context, folder, ".conf")) {
      look_in(context, path, true, found);
    }
  }
  for (const char* folder : {"/etc/systemd/network", "/run/systemd/network"}) {
    for (const std::string& path : files_in(context, folder, ".network")) {
      look_in(context, path, true, found);
    }
  }
  for (const std::string& path : files_in(context, kResolvedLinks, "")) {
    look_in(context, path, true, found);
  }
  // wg-quick makes its DNS the only one while the interface is up, whatever the domains.
  for (const std::string& path : files_in(context, "/etc/wireguard", ".conf")) {
    look_in(context, path, false, found);
  }
  const std::vector<std::string> servers = nameservers_in(read(context, kResolvConf));
  const bool all_magic =
      !servers.empty() && std::all_of(servers.begin(), servers.end(), [&](const auto& server) {
        return server == kMagicDns || is_ours(context, server);
      });
  if (all_magic && std::find(servers.begin(), servers.end(), kMagicDns) != servers.end()) {
    found.push_back({kResolvConf, kMagicDns});
  }
  return found;
}

}  // namespace

bool is_loopback(const std::string& ip) { return ip.starts_with("127.") || ip == "::1"; }

bool is_node_address(const DoctorContext& context, const std::string& ip) {
  return std::any_of(context.config.node_addresses.begin(), context.config.node_addresses.end(),
                     [&](const auto& entry) { return entry.second == ip; });
}

DoctorFinding check_resolvers(const DoctorContext& context) {
  const Result<dsl::env::FileInfo> info = context.env.files().stat(kResolvConf);
  if (!info) {
    return bad("fail", text("{} does not exist", kResolvConf), "no name resolves on this node",
               how_to_write(context));
  }
  if ((info->mode & 0004) == 0) {
    return bad("fail",
               text("{} has mode {}: build containers cannot read it", kResolvConf,
                    (info->mode & 0777) == 0600 ? "0600" : "without reading for others"),
               "builds and containers resolve nothing",
               text("chmod 0644 {} (as root)", kResolvConf));
  }
  const std::vector<std::string> all = upstreams(context);
  std::vector<std::string> independent;
  std::copy_if(all.begin(), all.end(), std::back_inserter(independent),
               [&](const std::string& ip) { return is_independent(context, ip); });
  if (independent.empty()) {
    return bad("fail",
               all.empty() ? text("{} names no resolver", kResolvConf)
                           : text("every resolver is our own or depends on it: {}", joined(all)),
               "when our DNS is down nothing on this node resolves, inside or outside, and it "
               "cannot be repaired over names",
               how_to_write(context));
  }
  if (context.reach.offline) {
    return good(text("independent of our DNS: {} (--offline: not asked)", joined(independent)));
  }
  std::vector<std::string> silent;
  for (const std::string& ip : independent) {
    const Result<void> answer = context.reach.ask_resolver(ip);
    if (answer) {
      return good(text("{} is independent of our DNS and answers", ip));
    }
    silent.push_back(text("{}: {}", ip, answer.error().message()));
  }
  return bad(
      "warn", text("no independent resolver answers: {}", joined(silent)),
      "with our DNS down nothing on this node would resolve",
      text("is the network up (ip route)? does it let 53 out? else {}", how_to_write(context)));
}

DoctorFinding check_overlay_dns(const DoctorContext& context) {
  const std::vector<Catchall> found = catchalls(context);
  if (found.empty()) {
    return good("no resolver configuration here sends every name to our own DNS");
  }
  const Catchall& first = found.front();
  const bool magic = first.server == kMagicDns;
  return bad(magic ? "warn" : "fail",
             magic ? text("{}: every name goes to the overlay's resolver {} and to nobody else",
                          first.file, first.server)
                   : text("{}: every name (~.) goes to {}, which is our own DNS", first.file,
                          first.server),
             magic ? "if the overlay's settings send all names to our DNS, a stopped DNS "
                     "container, or a stopped overlay, takes name resolution away"
                   : "a stopped DNS container takes name resolution away from this machine, and "
                     "switching the overlay off takes away the way to the agent",
             magic ? text("in the overlay's settings: our zones only to our DNS (split DNS), two "
                          "public global resolvers; or tailscale set --accept-dns=false and {}",
                          how_to_write(context))
                   : text("in {}: Domains=~{} in place of ~. (our zones only), and DNS={} {} for "
                          "the rest",
                          first.file, context.config.service_zone, kPublic[0], kPublic[1]));
}

}  // namespace mcp::agent
