// Definitions: from TOML to a resolved service and its canonical form. Pure: no I/O, no clock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dsl/config/toml.h"
#include "dsl/result/result.h"
#include "mcp/model/codes.h"
#include "mcp/model/service.h"

namespace mcp::model {

using dsl::Result;

// What resolves a definition beside itself; the agent's GetNode tells it, so that the CLI and the
// agent resolve alike.
struct Platform {
  std::string registry = "mcr.svc.mcp.metacircular.net:8443";
  std::string service_zone = "svc.mcp.metacircular.net";
  std::vector<std::string> stages = {"foundation", "core", "management", "services"};
  std::vector<std::string> volume_roots = {"/srv"};
  std::string data_root = "/srv";  // host side of the default volume <data_root>/<svc>:/srv/<svc>
  std::uint16_t port_offset = 0;   // added to every fixed host port and host-network gate port
};

struct Node {
  std::string name;
  std::map<std::string, std::string>
      addresses;  // label -> literal; "loopback" is 127.0.0.1 if absent
};

// A definition as written: the grammar is checked (keys, types, names), defaults are not yet there.
// Keeps positions, so that `resolve` can name line and column too.
struct Definition {
  std::string file;
  std::string name;
  dsl::config::TomlValue document;
};

// All problems at once, each with file:line:column, unknown keys with the nearest known one.
// `file`'s stem must equal `name`.
Result<Definition> parse_definition(std::string_view toml, std::string_view file);

// Writes every default out and replaces @labels by literals. Refuses floating tags, volumes outside
// the volume roots, unknown address labels, a node that is not ours.
Result<Service> resolve(const Definition& definition, const Platform& platform, const Node& node);

// Every fixed address of the host at which the component is reached: its ports, and its sockets as
// ports. In this order.
std::vector<Port> host_addresses(const Component& component);

// What a component with sockets gets beside its own: the directory where the agent hands them over,
// read-only, and the variable that names it inside. Empty without sockets.
std::vector<Volume> socket_mounts(const Component& component);
std::vector<std::pair<std::string, std::string>> socket_environment(const Component& component);
// The directory on the host; for every node with that platform the same.
std::string sockets_directory(const Platform& platform, std::string_view service,
                              std::string_view component);

// Why a container may not have the host path (normal, its links followed or not) mounted: "lies
// outside the volume roots (/srv)"; empty when it may.
std::string volume_problem(const Platform& platform, std::string_view path);

// RFC 8785. Byte-identical in CLI and agent; `service_from_json(canonical_json(s)) == s`.
std::string canonical_json(const Service& service);
Result<Service> service_from_json(std::string_view json);
// SHA-256 of the canonical JSON, lower-case hex: the identity of the specification.
std::string spec_sha256(const Service& service);
// Identity of what one container is made from: the component without its gate, order and strategy,
// so that changing those asks for no new container.
std::string component_sha256(const Service& service, const Component& component);

// Edges over all services: depends_on and after must name something known, point to the same or an
// earlier stage, and be free of cycles; the error prints the cycle. Each detail's `where` begins
// with the service: "mcr.depends_on", "mcr/api.after". With `only`, what is wrong with other
// services, and cycles that none of these is part of, are left out.
Result<void> check_dependencies(const std::vector<Service>& services, const Platform& platform,
                                const std::vector<std::string>& only = {});

// Warnings that do not refuse: lint's second half ("L-SRCIP: ...").
std::vector<std::string> lint(const Service& service);

// What differs between two specifications, field by field ("components.api.image", want, have).
struct FieldDifference {
  std::string field;
  std::string want;
  std::string have;
};
std::vector<FieldDifference> compare(const Service& want, const Service& have);

// Environment that a container gets for its routes: PORT, PORT_<NAME>, PEER_<COMPONENT>_<NAME>.
std::vector<std::pair<std::string, std::string>> route_environment(
    const Service& service, const Component& component, const std::vector<Allocation>& ports);

// Labels of a managed container (mcp.managed, mcp.service, ..., mcp.spec as zstd + base64).
// kTooLarge beyond 64 KiB.
Result<std::map<std::string, std::string>> container_labels(const Service& service,
                                                            const Component& component,
                                                            std::int64_t generation,
                                                            const std::vector<Allocation>& ports);
struct LabelSpec {
  Service service;
  std::string component;
  std::int64_t generation = 0;
  std::vector<Allocation> ports;
};
// Reads them back. Foreign bytes: bounded, never trusted (kInvalidArgument, kDataLoss).
Result<LabelSpec> service_from_labels(const std::map<std::string, std::string>& labels);

}  // namespace mcp::model
