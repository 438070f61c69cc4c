// A resolved service: every default written out, every address a literal. A pure value; what
// travels to the agent, what the registry keeps, and what a container is made from.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcp::model {

struct Port {
  std::string host_ip;  // literal; empty = every address
  std::uint16_t host = 0;
  std::uint16_t container = 0;
  std::string protocol = "tcp";  // tcp, udp
  std::uint16_t count = 1;       // a range of this length
  bool operator==(const Port&) const = default;
};

// Bound on the host by the agent, and handed to the container: nothing stands in between.
struct Socket {
  std::string name;              // what the service knows it by; several may share one
  std::string protocol = "tcp";  // tcp, udp
  std::string host_ip;           // literal
  std::uint16_t host = 0;        // the platform's offset included
  std::uint16_t container = 0;   // as written: where the service would listen by itself
  bool operator==(const Socket&) const = default;
};

struct Volume {
  std::string host;
  std::string container;
  std::vector<std::string> options;  // ro, rw, Z, z, U
  bool operator==(const Volume&) const = default;
};

struct Route {
  std::string name;          // empty for a sole unnamed route
  std::uint16_t port = 443;  // listener of the proxy
  std::string mode = "l7";   // l4, l7
  std::vector<std::string> hostnames;
  // Container port; 0 = the container listens on $PORT. On the host network it is the host port,
  // the platform's offset included.
  std::uint16_t target = 0;
  bool backend_tls = false;
  std::string cert = "auto";
  bool operator==(const Route&) const = default;
};

struct SecretUse {
  std::string name;
  std::string env;   // variable that receives it, or
  std::string file;  // path inside the container
  bool operator==(const SecretUse&) const = default;
};

// How to tell that a component is healthy (section "gates" of docs/design/mcp.md).
struct Health {
  std::string type = "none";  // dns, tcp, http, https, grpc, exec, none
  // As seen from the host: a published host port, the platform's offset included. 0 = each
  // published 53 for dns, else the port allocated to the first fitting route. A number that is no
  // host port of the component but a route's `target` stands for the host port allocated to that
  // route.
  std::uint16_t port = 0;
  std::string path;    // http, https
  std::string host;    // http, https: Host header and SNI
  std::string query;   // dns: name whose SOA is asked for; default the service zone
  std::string expect;  // status list, answer or bytes, by type; empty = the type's own rule
  std::string method = "GET";
  std::vector<std::string> cmd;  // exec
  std::string service;           // grpc
  std::string tls = "verify";    // verify, pin, any, off (grpc)
  std::chrono::milliseconds interval{1000};
  std::chrono::milliseconds timeout{2000};
  std::chrono::milliseconds start_period{0};  // none: how long it must have run (3 s by default)
  std::chrono::milliseconds deadline{120000};
  int successes = 1;
  bool operator==(const Health&) const = default;
};

struct Component {
  std::string name;
  std::string container;  // podman's name
  std::string image;      // full reference, with tag or digest
  std::vector<Volume> volumes;
  std::string network = "mcpnet";  // host, none, default, or a network's name
  std::vector<std::string> aliases;
  std::string user = "0:0";  // empty = the image's own
  std::string restart = "unless-stopped";
  std::vector<Port> ports;  // fixed ones
  std::vector<Socket> sockets;
  std::string sockets_dir;  // where on the host the agent hands them over; empty without sockets
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<SecretUse> secrets;
  std::optional<std::vector<std::string>> cmd;  // nothing = the image's own
  std::optional<std::vector<std::string>> entrypoint;
  std::string workdir;
  std::string hostname;
  std::vector<std::string> dns;
  std::vector<std::string> extra_hosts;  // name:address
  std::vector<std::string> tmpfs;        // path[:options]
  std::vector<std::string> devices;
  std::map<std::string, std::string> sysctls;
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  bool read_only = false;
  bool no_new_privileges = true;
  std::uint64_t memory_bytes = 0;  // 0 = no limit
  double cpus = 0;                 // whole thousandths
  std::int64_t pids = 0;
  std::chrono::milliseconds stop_timeout{10000};
  std::string stop_signal = "TERM";
  std::vector<std::string> after;  // components of the same service
  Health health;
  std::string strategy = "recreate";
  std::vector<Route> routes;
  bool operator==(const Component&) const = default;
};

struct Service {
  std::string name;
  std::string node;
  std::string version;
  bool active = true;
  std::string tier = "services";
  std::vector<std::string> depends_on;  // "service" or "service/component"
  bool essential = true;
  bool is_public = false;
  std::string path;
  std::map<std::string, std::string> build_images;
  std::map<std::string, std::string> labels;
  std::string reconcile = "report";  // report, restart, enforce
  std::vector<Component> components;
  bool operator==(const Service&) const = default;

  const Component* find(std::string_view component) const;
};

// Host ports that the agent chose for routes: kept beside the specification, never inside it.
struct Allocation {
  std::string component;
  std::string route;            // name; empty for the sole unnamed one
  std::uint16_t host_port = 0;  // on 127.0.0.1
  bool operator==(const Allocation&) const = default;
};

}  // namespace mcp::model
