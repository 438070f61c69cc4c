// What deploy, boot, recover and start share: images without a pull, mounts, networks, making a
// container from the registry's record, and waiting for its gate.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/result/result.h"
#include "mcp/agent/config.h"
#include "mcp/agent/registry.h"
#include "mcp/agent/socket_keeper.h"
#include "mcp/boot/gate.h"
#include "mcp/runtime/liveness.h"
#include "mcp/runtime/runtime.h"

namespace mcp::agent {

enum class Pull { kNever, kMissing, kAlways };
Result<Pull> parse_pull(std::string_view text);  // "" = never

struct ImageQuery {
  std::string reference;
  std::string digest;          // recorded at the last deploy; may be empty
  bool prefer_digest = false;  // a rollback wants exactly what ran
  Pull pull = Pull::kNever;
  bool may_be_remembered = false;  // what was found within the last seconds is good enough
};

// Thread-safe.
class Containers {
 public:
  Containers(dsl::env::Env& env, const Config& config, runtime::Runtime& runtime,
             SocketKeeper& sockets)
      : env_(env), config_(config), runtime_(runtime), sockets_(sockets) {}

  // Reference, then digest under any name (retagged), then the archives of `agent.image_dirs`, then
  // a pull if allowed. kFailedPrecondition with the nearest cached tags when it is nowhere.
  Result<runtime::Image> find_image(const ImageQuery& query);

  // Every host path of a bind mount exists. Nothing is created.
  Result<void> check_mounts(const model::Component& component);
  Result<void> ensure_networks(const model::Component& component);

  // Creates the container (does not start it). `image_id` pins what was found. A name that only the
  // image store still holds is released first. `operation` becomes a label.
  Result<std::string> create(const ServiceRecord& record, const model::Component& component,
                             const std::string& image_id, const std::string& operation);
  // Starts it; a port conflict names the holder. Its sockets are held from before on.
  Result<void> start(const ServiceRecord& record, const model::Component& component,
                     const std::string& id);

  // For containers that only the image store knows since podman lost its database: ends what still
  // runs of them (TERM first). Nobody else's are touched. Their names are given back one by one,
  // each by the `create` that wants it: podman's store is then busy while others start, not before.
  Result<void> end_lost(const std::vector<runtime::Container>& storage_only);

  // Podman's word that it runs, and our own look at its process and port forwarders.
  runtime::Liveness liveness(const runtime::Container& live) const;

  // Makes the component's container exist as recorded, and run: what boot, recover and start do.
  // kFailedPrecondition with id MCP-0401 when the image is missing.
  struct Brought {
    std::string id;
    std::string image_digest;
    bool created = false;
    bool started = false;
  };
  Result<Brought> bring_up(const ServiceRecord& record, const ComponentRecord& wanted);
  // A new container in place of whatever there is.
  Result<Brought> recreate(const ServiceRecord& record, const ComponentRecord& wanted);

  // The live container has the wanted specification (by label; by settings when adopted).
  bool matches(const ServiceRecord& record, const ComponentRecord& wanted,
               const runtime::Container& live) const;

  boot::Answer probe_gate(const ServiceRecord& record, const model::Component& component,
                          const std::string& id);
  boot::Answer wait_for_gate(const ServiceRecord& record, const model::Component& component,
                             const std::string& id, const std::function<bool()>& cancelled);
  std::vector<std::string> log_tail(const std::string& id, int lines);

 private:
  // `old_id`: the container that has the name now; empty when there is none.
  Result<Brought> replace(const ServiceRecord& record, const ComponentRecord& wanted,
                          const std::string& old_id);
  Result<void> start_container(const model::Component& component, const std::string& id);
  boot::Gate gate(const ServiceRecord& record, const model::Component& component) const;
  boot::GateHooks hooks(const model::Component& component, const std::string& id);
  Result<std::optional<runtime::Image>> load_archive(const std::string& reference,
                                                     const std::string& path);
  Result<void> check_links(const std::string& path);
  // Nothing when podman has no such image.
  Result<std::optional<runtime::Image>> look_up(const std::string& reference);
  // Podman knows no container of this name, only its image store does: end_lost was told so.
  bool is_lost(const std::string& name);
  // Removes the entry that holds this name, if end_lost was told of one.
  Result<void> give_back(const std::string& name);

  dsl::env::Env& env_;
  const Config& config_;
  runtime::Runtime& runtime_;
  SocketKeeper& sockets_;

  std::mutex mutex_;                                       // guards all below
  std::map<std::string, std::string> held_names_;          // name -> id of the store's entry
  std::map<std::string, dsl::env::MonoTime> networks_at_;  // when each was last found to be there
  struct SeenImage {
    runtime::Image image;
    dsl::env::MonoTime seen{};
  };
  std::map<std::string, SeenImage> images_at_;  // by reference
};

// Fixed ports of the component and those allocated for its routes.
std::vector<model::Port> published_ports(const ServiceRecord& record,
                                         const model::Component& component);

// Labels that the agent adds to those of model::container_labels.
inline constexpr std::string_view kLabelOperation = "mcp.operation";
inline constexpr std::string_view kLabelManaged = "mcp.managed";
inline constexpr std::string_view kLabelService = "mcp.service";
inline constexpr std::string_view kLabelComponent = "mcp.component";
inline constexpr std::string_view kLabelSpec = "mcp.component.sha256";
inline constexpr std::string_view kLabelGeneration = "mcp.generation";
// Of a container that does something for the agent and goes by itself: neither managed nor foreign.
inline constexpr std::string_view kLabelHelper = "mcp.helper";

// What is recorded of an image: its digest, or its id when it has none.
std::string digest_of(const runtime::Image& image);

std::string label(const runtime::Container& container, std::string_view name);

}  // namespace mcp::agent
