// The small languages inside a definition's strings: names, image references, ports, volumes.
// Each parser takes foreign text and answers nothing or an error value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dsl/result/result.h"
#include "mcp/model/service.h"

namespace mcp::model {

// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?  Services, components, routes: a DNS label.
bool is_name(std::string_view text);
// [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128: podman's names of containers and networks.
bool is_runtime_name(std::string_view text);
// [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
bool is_image_tag(std::string_view text);

// "host:5000/mcr:v1@sha256:..." in parts. Nothing when it is no reference.
struct ImageReference {
  std::string repository;  // "host:5000/mcr"
  std::string tag;         // empty when absent
  std::string digest;      // "sha256:..." or empty
  // Names another image tomorrow: no digest, and `latest` or no tag.
  bool floating() const { return digest.empty() && (tag.empty() || tag == "latest"); }
};
std::optional<ImageReference> parse_image(std::string_view text);

// `[ip:]host:container[/tcp|udp]`; ip is a literal, [v6] or @label, kept as written in
// `host_ip` without brackets.
dsl::Result<Port> parse_port(std::string_view text);
// `tcp:` or `udp:`, then ip:port; ip as in ports, and never absent. Without the name.
dsl::Result<Socket> parse_listen(std::string_view text);
std::string format_listen(const Socket& socket);
// A socket as a port that leads to the same number inside.
Port as_port(const Socket& socket);

// The form that `parse_port` reads and `podman -p` takes.
std::string format_port(const Port& port);
// Whether two ports want the same host address, protocol and number.
bool overlap(const Port& a, const Port& b);

// `host:container[:options]`, options of ro, rw, Z, z, U. The host path is made lexically normal.
dsl::Result<Volume> parse_volume(std::string_view text);
std::string format_volume(const Volume& volume);
// "/srv//x/../y/" -> "/srv/y". No links are followed: nothing is looked up.
std::string normal_path(std::string_view absolute);
// Whether `path` (normal) is `root` or lies below it.
bool is_inside(std::string_view path, std::string_view root);

// unless-stopped, always, no, on-failure[:n]
bool is_restart_policy(std::string_view text);

}  // namespace mcp::model
