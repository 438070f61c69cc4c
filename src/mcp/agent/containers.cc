#include "mcp/agent/containers.h"

#include <algorithm>
#include <set>

#include <unistd.h>

#include "dsl/config/nearest.h"
#include "dsl/log/log.h"
#include "mcp/agent/image_archive.h"
#include "mcp/agent/port_probe.h"
#include "mcp/boot/planner.h"
#include "mcp/boot/settings.h"
#include "mcp/model/codes.h"
#include "mcp/runtime/leftovers.h"
#include "mcp/runtime/name_server.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::text;

namespace {

const dsl::log::Logger logger("agent.containers");
constexpr std::chrono::milliseconds kLeftoverGrace{10000};
// What podman has just told of a network or an image holds for the others of a boot run: its answer
// waits for the starts that are under way.
constexpr std::chrono::milliseconds kJustSeen{3000};

std::string repository(std::string_view reference) {
  const std::size_t colon = reference.rfind(':');
  const std::size_t slash = reference.rfind('/');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference = reference.substr(0, colon);
  }
  return std::string(reference.substr(0, reference.find('@')));
}

bool has_digest(const runtime::Image& image, std::string_view digest) {
  return !digest.empty() &&
         (image.digest == digest || image.id == digest ||
          std::any_of(image.digests.begin(), image.digests.end(),
                      [&](const std::string& name) { return name.ends_with(digest); }));
}

// Tags of the same repository first, else those whose name is nearest.
std::string cached_tags(const std::vector<runtime::Image>& images, const std::string& reference) {
  std::vector<std::string> same;
  std::vector<std::string> all;
  for (const runtime::Image& image : images) {
    for (const std::string& name : image.names) {
      all.push_back(name);
      if (repository(name) == repository(reference)) {
        same.push_back(name);
      }
    }
  }
  if (same.empty()) {
    const std::string near = dsl::config::nearest(reference, all);
    return near.empty() ? "" : text("cached under a similar name: {}", near);
  }
  std::string out = "cached tags:";
  for (const std::string& name : same) {
    out += " " + name;
  }
  return out;
}

}  // namespace

Result<Pull> parse_pull(std::string_view word) {
  if (word.empty() || word == "never") {
    return Pull::kNever;
  }
  if (word == "missing") {
    return Pull::kMissing;
  }
  if (word == "always") {
    return Pull::kAlways;
  }
  return fail(Code::kInvalidArgument, "pull policy \"{}\" is not known", word)
      .hint("always, missing or never");
}

std::string digest_of(const runtime::Image& image) {
  return image.digest.empty() ? image.id : image.digest;
}

std::string label(const runtime::Container& container, std::string_view name) {
  const auto found = container.labels.find(std::string(name));
  return found == container.labels.end() ? "" : found->second;
}

std::vector<model::Port> published_ports(const ServiceRecord& record,
                                         const model::Component& component) {
  std::vector<model::Port> ports = component.ports;
  for (const model::Allocation& allocated : record.ports) {
    if (allocated.component != component.name) {
      continue;
    }
    model::Port port;
    port.host_ip = "127.0.0.1";
    port.host = allocated.host_port;
    port.container = allocated.host_port;  // the container listens on $PORT
    for (const model::Route& route : component.routes) {
      if (route.name == allocated.route && route.target != 0) {
        port.container = route.target;
      }
    }
    ports.push_back(port);
  }
  return ports;
}

Result<runtime::Image> Containers::find_image(const ImageQuery& query) {
  if (query.pull == Pull::kAlways) {
    MC_TRY(runtime_.pull(query.reference, config_.pull_timeout));
  }
  if (!query.prefer_digest) {
    MC_ASSIGN(std::optional<runtime::Image> image,
              query.may_be_remembered ? look_up(query.reference) : runtime_.image(query.reference));
    if (image) {
      return *image;
    }
  }
  MC_ASSIGN(const std::vector<runtime::Image> images, runtime_.images());
  for (const runtime::Image& image : images) {
    if (has_digest(image, query.digest)) {
      // A digest is no tag: an image that is pinned by one has no other name to be given.
      if (!query.prefer_digest && query.reference.find('@') == std::string::npos) {
        MC_TRY(runtime_.tag(image.id, query.reference));
      }
      return image;
    }
  }
  if (query.prefer_digest && query.digest.empty()) {
    MC_ASSIGN(std::optional<runtime::Image> image, runtime_.image(query.reference));
    if (image) {
      return *image;
    }
  }
  if (const std::optional<std::string> archive =
          find_archive(env_.files(), config_.image_dirs, query.reference)) {
    MC_ASSIGN(std::optional<runtime::Image> image, load_archive(query.reference, *archive));
    if (image) {
      return *image;
    }
  }
  if (query.pull == Pull::kMissing) {
    MC_TRY(runtime_.pull(query.reference, config_.pull_timeout));
    MC_ASSIGN(std::optional<runtime::Image> image, runtime_.image(query.reference));
    if (image) {
      return *image;
    }
  }
  auto failure =
      fail(Code::kFailedPrecondition, "image {} is not on this node", query.reference)
          .id(model::code::kImageMissing)
          .hint(text("mcp image load ARCHIVE, or put the archive into {}, then mcp boot retry; "
                     "mcp deploy --pull missing fetches it",
                     config_.image_dirs.empty() ? "agent.image_dirs" : config_.image_dirs.front()));
  const std::string near = cached_tags(images, query.reference);
  if (!near.empty()) {
    return std::move(failure).detail("", near);
  }
  return failure;
}

// A boot run makes many containers of one image, and to describe an image costs podman as much as a
// tenth of a creation.
Result<std::optional<runtime::Image>> Containers::look_up(const std::string& reference) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = images_at_.find(reference);
    if (found != images_at_.end() && env_.clock().mono_now() - found->second.seen < kJustSeen) {
      return std::optional<runtime::Image>(found->second.image);
    }
  }
  MC_ASSIGN(std::optional<runtime::Image> image, runtime_.image(reference));
  const std::lock_guard lock(mutex_);
  images_at_.erase(reference);
  if (image) {
    images_at_[reference] = {*image, env_.clock().mono_now()};
  }
  return image;
}

// No archive keeps a digest, so that an image which is pinned by one comes back under its id alone.
// The archive tells that id. Nothing when the archive holds something else.
Result<std::optional<runtime::Image>> Containers::load_archive(const std::string& reference,
                                                               const std::string& path) {
  MC_TRY(runtime_.load(path));
  MC_ASSIGN(std::optional<runtime::Image> image, runtime_.image(reference));
  if (image) {
    return image;
  }
  if (reference.find('@') == std::string::npos) {
    return image;
  }
  const auto held = read_image_archive(env_.files(), path);
  if (!held || held->size() != 1) {
    return image;
  }
  return runtime_.image(held->front().id);
}

Result<void> Containers::check_mounts(const model::Component& component) {
  for (const model::Volume& volume : component.volumes) {
    MC_ASSIGN(const bool there, env_.files().exists(volume.host));
    if (!there) {
      return fail(Code::kFailedPrecondition, "directory {} of container {} does not exist",
                  volume.host, component.container)
          .id(model::code::kHostDirectoryMissing)
          .hint(text("install -d -m 0750 {} as the user of the agent, or restore it first",
                     volume.host));
    }
    MC_TRY(check_links(volume.host));
  }
  return {};
}

// The definition was checked by its text; a link below a volume root may lead anywhere, and podman
// follows it.
Result<void> Containers::check_links(const std::string& path) {
  MC_ASSIGN(const std::string real, env_.files().canonical(path));
  if (real == path) {
    return {};
  }
  const auto followed = [this](const std::string& folder) {
    return env_.files().canonical(folder).value_or(folder);
  };
  model::Platform platform = config_.platform();
  std::transform(platform.volume_roots.begin(), platform.volume_roots.end(),
                 platform.volume_roots.begin(), followed);
  platform.data_root = followed(platform.data_root);
  const std::string problem = model::volume_problem(platform, real);
  if (problem.empty()) {
    return {};
  }
  return fail(Code::kFailedPrecondition, "volume {} is {}, which {}", path, real, problem)
      .id(model::code::kVolumeOutsideRoots)
      .hint("move the data there, or add that directory to agent.volume_roots of this node");
}

Result<void> Containers::ensure_networks(const model::Component& component) {
  const std::string& network = component.network;
  if (network == "host" || network == "none" || network == "default") {
    return {};
  }
  {
    const std::lock_guard lock(mutex_);
    const auto found = networks_at_.find(network);
    if (found != networks_at_.end() && env_.clock().mono_now() - found->second < kJustSeen) {
      return {};
    }
  }
  MC_TRY(runtime_.ensure_network(network));
  const std::lock_guard lock(mutex_);
  networks_at_[network] = env_.clock().mono_now();
  return {};
}

Result<std::string> Containers::create(const ServiceRecord& record,
                                       const model::Component& component,
                                       const std::string& image_id, const std::string& operation) {
  runtime::ContainerSpec spec;
  spec.component = component;
  spec.component.image = image_id.empty() ? component.image : image_id;
  spec.ports = published_ports(record, component);
  spec.env = component.env;
  MC_TRY(sockets_.make_directory(record.service, component));
  for (model::Volume& mount : model::socket_mounts(component)) {
    spec.component.volumes.push_back(std::move(mount));
  }
  for (auto& variable : model::socket_environment(component)) {
    spec.env.push_back(std::move(variable));
  }
  for (auto& variable : model::route_environment(record.service, component, record.ports)) {
    spec.env.push_back(std::move(variable));
  }
  MC_ASSIGN(spec.labels,
            model::container_labels(record.service, component, record.generation, record.ports));
  if (!operation.empty()) {
    spec.labels[std::string(kLabelOperation)] = operation;
  }
  MC_TRY(give_back(component.container));
  Result<std::string> created = runtime_.create(spec);
  if (created || created.error().code() != Code::kAlreadyExists) {
    return created;
  }
  // After podman's database was lost its image store still reserves the name.
  MC_ASSIGN(const std::vector<runtime::Container> all, runtime_.list(true));
  for (const runtime::Container& container : all) {
    if (container.storage_only && container.name == component.container) {
      MC_TRY(end_lost({container}));
      MC_TRY(give_back(component.container));
      return runtime_.create(spec);
    }
  }
  return created;
}

Result<void> Containers::end_lost(const std::vector<runtime::Container>& storage_only) {
  MC_ASSIGN(const std::string run_root, runtime_.run_root());
  std::set<std::string> ids;
  for (const runtime::Container& container : storage_only) {
    ids.insert(container.id);
  }
  std::vector<runtime::Leftover> leftovers =
      runtime::find_leftovers(runtime::Proc(env_.files()), run_root, geteuid());
  std::erase_if(leftovers, [&](const runtime::Leftover& leftover) {
    return !ids.contains(leftover.container_id);
  });
  MC_TRY(runtime::end_leftovers(env_, leftovers, kLeftoverGrace));
  MC_TRY(runtime::forget_names(env_, run_root, {ids.begin(), ids.end()}));
  const std::lock_guard lock(mutex_);
  for (const runtime::Container& container : storage_only) {
    held_names_[container.name] = container.id;
  }
  return {};
}

bool Containers::is_lost(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return held_names_.contains(name);
}

Result<void> Containers::give_back(const std::string& name) {
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    const auto held = held_names_.find(name);
    if (held == held_names_.end()) {
      return {};
    }
    id = held->second;
    held_names_.erase(held);
  }
  return runtime_.remove_storage(id);
}

runtime::Liveness Containers::liveness(const runtime::Container& live) const {
  return runtime::LivenessPass(runtime::Proc(env_.files()), geteuid()).check(live);
}

Result<void> Containers::start(const ServiceRecord& record, const model::Component& component,
                               const std::string& id) {
  MC_TRY(sockets_.hold(record.service, component));
  return start_container(component, id);
}

Result<void> Containers::start_container(const model::Component& component, const std::string& id) {
  Result<void> started = runtime_.start(id);
  if (!started && started.error().code() == Code::kConflict) {
    std::string holders;
    for (const model::Port& port : component.ports) {
      const std::string holder = port_holder(port.host_ip, port.host, port.protocol);
      if (!holder.empty()) {
        holders += text("{}:{}/{} is held by {}; ", port.host_ip.empty() ? "*" : port.host_ip,
                        port.host, port.protocol, holder);
      }
    }
    started.error().set_id(model::code::kPortTaken);
    started.error().set_hint(
        text("{}free the port or change `ports` of the definition; mcp ports shows the owners",
             holders));
  }
  return dsl::with_context(std::move(started), text("start of {}", component.container));
}

bool Containers::matches(const ServiceRecord& record, const ComponentRecord& wanted,
                         const runtime::Container& live) const {
  if (wanted.adopted && label(live, kLabelManaged).empty()) {
    const model::Component* component = record.service.find(wanted.name);
    return component != nullptr &&
           boot::compare_settings(*component, published_ports(record, *component), live).empty();
  }
  return label(live, kLabelSpec) == wanted.sha256;
}

Result<Containers::Brought> Containers::bring_up(const ServiceRecord& record,
                                                 const ComponentRecord& wanted) {
  const model::Component* component = record.service.find(wanted.name);
  MC_ASSERT(component != nullptr, "a component record has its component");
  Brought brought;
  if (is_lost(wanted.container)) {
    return replace(record, wanted, "");
  }
  Result<runtime::Container> live = runtime_.inspect(wanted.container);
  if (!live && live.error().code() != Code::kNotFound) {
    return tl::unexpected(live.error());
  }
  if (live && matches(record, wanted, *live)) {
    brought.id = live->id;
    if (live->state == runtime::State::kRunning &&
        liveness(*live).state == runtime::Liveness::State::kAlive) {
      brought.image_digest = wanted.image_digest;
      return brought;
    }
    if (live->state != runtime::State::kRunning) {
      MC_TRY(check_mounts(*component));
      // One that somebody else made publishes its ports itself.
      MC_TRY(label(*live, kLabelManaged).empty() ? start_container(*component, live->id)
                                                 : start(record, *component, live->id));
      brought.started = true;
      brought.image_digest = wanted.image_digest;
      return brought;
    }
    // Podman says running, but its process or port forwarder is gone: start and restart fail then.
    logger.warn("container is dead while podman says running; recreating",
                {{"container", wanted.container}});
  }
  return replace(record, wanted, live ? live->id : "");
}

Result<Containers::Brought> Containers::recreate(const ServiceRecord& record,
                                                 const ComponentRecord& wanted) {
  const Result<runtime::Container> live = runtime_.inspect(wanted.container);
  if (!live && live.error().code() != Code::kNotFound) {
    return tl::unexpected(live.error());
  }
  return replace(record, wanted, live ? live->id : "");
}

Result<Containers::Brought> Containers::replace(const ServiceRecord& record,
                                                const ComponentRecord& wanted,
                                                const std::string& old_id) {
  const model::Component* component = record.service.find(wanted.name);
  MC_ASSERT(component != nullptr, "a component record has its component");
  MC_TRY(check_mounts(*component));
  MC_TRY(ensure_networks(*component));
  MC_ASSIGN(const runtime::Image image, find_image({.reference = component->image,
                                                    .digest = wanted.image_digest,
                                                    .may_be_remembered = true}));
  if (!old_id.empty()) {
    MC_TRY(runtime_.remove(old_id, true));
  }
  Brought brought;
  brought.image_digest = digest_of(image);
  MC_ASSIGN(brought.id, create(record, *component, image.id, ""));
  brought.created = true;
  Result<void> started = start(record, *component, brought.id);
  if (!started) {
    (void)runtime_.remove(brought.id, true);  // a container left in `created` would keep the name
    return tl::unexpected(started.error());
  }
  brought.started = true;
  return brought;
}

boot::Gate Containers::gate(const ServiceRecord& record, const model::Component& component) const {
  return boot::gate_for(record.service, component, record.ports, config_.ca_cert);
}

boot::GateHooks Containers::hooks(const model::Component& component, const std::string& id) {
  boot::GateHooks hooks;
  hooks.exec = [this, id](const std::vector<std::string>& argv,
                          std::chrono::milliseconds timeout) -> Result<int> {
    MC_ASSIGN(const runtime::ExecResult result, runtime_.exec(id, argv, timeout));
    return result.exit_code;
  };
  const auto settle = component.health.start_period;
  hooks.settled = [this, id, settle] {
    const Result<runtime::Container> live = runtime_.inspect(id);
    return live && live->state == runtime::State::kRunning &&
           env_.clock().now() - live->started >= settle;
  };
  return hooks;
}

boot::Answer Containers::probe_gate(const ServiceRecord& record, const model::Component& component,
                                    const std::string& id) {
  return boot::probe(env_, gate(record, component), hooks(component, id));
}

boot::Answer Containers::wait_for_gate(const ServiceRecord& record,
                                       const model::Component& component, const std::string& id,
                                       const std::function<bool()>& cancelled) {
  return boot::wait_for(env_, gate(record, component), hooks(component, id), cancelled);
}

std::vector<std::string> Containers::log_tail(const std::string& id, int lines) {
  std::vector<std::string> tail;
  const Result<void> read =
      runtime_.logs(id, {.tail = lines}, [&](const runtime::LogRecord& record) {
        tail.push_back(record.line);
        return tail.size() < 1000;
      });
  if (!read) {
    tail.push_back(text("(log not readable: {})", read.error().message()));
  }
  return tail;
}

}  // namespace mcp::agent
