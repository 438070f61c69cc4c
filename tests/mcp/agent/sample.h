// Records of services as a deploy would make them.
#pragma once

#include <string>

#include "mcp/agent/registry.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {

inline model::Service resolved(const std::string& name, const std::string& toml) {
  const model::Platform platform{.registry = "mcr.test:8443"};
  const model::Node node{.name = "rift", .addresses = {{"lan", "127.0.1.1"}}};
  const auto definition = dsl::test::require_ok(model::parse_definition(toml, name + ".toml"));
  return dsl::test::require_ok(model::resolve(definition, platform, node));
}

inline ServiceRecord record_of(model::Service service, std::int64_t generation) {
  ServiceRecord record;
  record.generation = generation;
  record.sha256 = model::spec_sha256(service);
  record.definition_toml = "# definition of generation " + std::to_string(generation);
  for (const model::Component& component : service.components) {
    record.components.push_back({.service = service.name,
                                 .name = component.name,
                                 .container = component.container,
                                 .sha256 = model::component_sha256(service, component),
                                 .image = component.image});
  }
  record.service = std::move(service);
  return record;
}

// Components "api" (fixed port `port`, route "web" on the host's `port` + 1) and "worker", which
// comes after it.
inline ServiceRecord sample(const std::string& name, std::int64_t generation, int port) {
  const std::string toml = dsl::text(R"(
name = "{}"
version = "v1"
depends_on = []
[[components]]
name = "api"
ports = ["127.0.0.1:{}:8443"]
[[components.routes]]
name = "web"
hostname = "{}.example"
[[components]]
name = "worker"
after = ["api"]
[components.health]
type = "none"
start_period = "0s"
)",
                                     name, port, name);
  ServiceRecord record = record_of(resolved(name, toml), generation);
  record.ports = {
      {.component = "api", .route = "web", .host_port = static_cast<std::uint16_t>(port + 1)}};
  record.components[0].image_digest = "sha256:0a";
  record.components[0].container_id = "4f1c";
  record.components[1].should_run = false;
  record.components[1].adopted = true;
  return record;
}

}  // namespace mcp::agent::test
