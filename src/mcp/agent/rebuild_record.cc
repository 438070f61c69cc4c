#include "mcp/agent/rebuild_record.h"

#include <algorithm>
#include <map>
#include <optional>

#include "mcp/agent/containers.h"
#include "mcp/boot/settings.h"
#include "mcp/model/render.h"

namespace mcp::agent {

using dsl::text;

namespace {

const Present* present_as(const Remains& remains, const std::string& container) {
  const auto found = remains.containers.find(container);
  return found == remains.containers.end() ? nullptr : &found->second;
}

bool managed(const runtime::Container& container) {
  return !label(container, kLabelManaged).empty();
}

bool carries_labels_of(const runtime::Container& container, const std::string& service,
                       const std::string& component) {
  return label(container, kLabelService) == service &&
         label(container, kLabelComponent) == component;
}

std::optional<std::uint16_t> allocation_in(const std::vector<model::Allocation>& ports,
                                           const std::string& component, const std::string& route) {
  for (const model::Allocation& port : ports) {
    if (port.component == component && port.route == route) {
      return port.host_port;
    }
  }
  return std::nullopt;
}

// The host ports on 127.0.0.1 that a container publishes beside the fixed ones of its component:
// host port -> port inside.
std::map<std::uint16_t, std::uint16_t> route_ports(const model::Component& component,
                                                   const runtime::Container& container) {
  std::map<std::uint16_t, std::uint16_t> ports;
  for (const model::Port& port : container.ports) {
    for (std::uint32_t i = 0; i < std::max<std::uint32_t>(port.count, 1); ++i) {
      if (port.protocol == "tcp" && port.host_ip == "127.0.0.1") {
        ports.emplace(port.host + i, port.container + i);
      }
    }
  }
  for (const model::Port& fixed : component.ports) {
    for (std::uint32_t i = 0; i < fixed.count; ++i) {
      ports.erase(static_cast<std::uint16_t>(fixed.host + i));
    }
  }
  return ports;
}

// The host port that the container publishes for the route. Its label says which of them, when it
// has one; else the port inside tells, if only one fits.
std::optional<std::uint16_t> live_port(const model::Component& component, const model::Route& route,
                                       const std::optional<std::uint16_t>& labelled,
                                       const runtime::Container& container) {
  const auto published = route_ports(component, container);
  if (labelled && published.contains(*labelled)) {
    return labelled;
  }
  std::optional<std::uint16_t> found;
  for (const auto& [host, inside] : published) {
    // Without a target the container listens on $PORT, which is the host's number.
    if (inside == (route.target != 0 ? route.target : host)) {
      if (found) {
        return std::nullopt;
      }
      found = host;
    }
  }
  return found;
}

class RecordMaker {
 public:
  RecordMaker(const Finding& winner, const std::vector<const Finding*>& findings,
              const Remains& remains)
      : winner_(winner),
        mirror_(of_source(findings, Source::kMirror)),
        labels_(of_source(findings, Source::kLabels)),
        has_definition_(of_source(findings, Source::kDefinitions) != nullptr),
        remains_(remains) {}

  ServiceRecord record(std::int64_t generation) {
    ServiceRecord record;
    record.service = winner_.service;
    record.sha256 = winner_.sha256;
    record.generation = generation;
    record.definition_toml = winner_.definition_toml.empty() ? model::render_toml(winner_.service)
                                                             : winner_.definition_toml;
    for (const model::Component& component : winner_.service.components) {
      add_ports(component, record);
    }
    for (const model::Component& component : winner_.service.components) {
      record.components.push_back(component_record(component, record));
    }
    return record;
  }
  const std::string& note() const { return note_; }

 private:
  void add_ports(const model::Component& component, ServiceRecord& record) {
    const Present* present = present_as(remains_, component.container);
    for (const model::Route& route : component.routes) {
      std::optional<std::uint16_t> port;
      if (mirror_ != nullptr) {
        port = allocation_in(mirror_->ports, component.name, route.name);
      }
      const std::optional<std::uint16_t> labelled =
          labels_ == nullptr ? std::nullopt
                             : allocation_in(labels_->ports, component.name, route.name);
      if (!port && present != nullptr) {
        port = live_port(component, route, labelled, present->container);
      }
      port = port ? port : labelled;
      if (port) {
        record.ports.push_back(
            {.component = component.name, .route = route.name, .host_port = *port});
      } else {
        add_note(note_, text("a port for {} is chosen anew",
                             route.name.empty() ? component.name : route.name));
      }
    }
  }

  const Finding::Component* mirrored(const std::string& component) const {
    if (mirror_ == nullptr) {
      return nullptr;
    }
    const auto found = mirror_->components.find(component);
    return found == mirror_->components.end() ? nullptr : &found->second;
  }

  ComponentRecord component_record(const model::Component& component, const ServiceRecord& record) {
    const model::Service& service = record.service;
    const Finding::Component* known = mirrored(component.name);
    const Present* present = present_as(remains_, component.container);
    ComponentRecord row;
    row.service = service.name;
    row.name = component.name;
    row.container = component.container;
    row.sha256 = model::component_sha256(service, component);
    row.image = component.image;
    row.adopted = known != nullptr && known->adopted;
    const bool ours = present != nullptr && belongs(component, record, present->container, row);
    row.should_run = desired(component, known, ours ? present : nullptr);
    if (known != nullptr && same_image(component)) {
      row.image_digest = known->image_digest;
    }
    if (ours) {
      row.container_id = present->container.id;
      row.image_digest = row.image_digest.empty() ? present->image_digest : row.image_digest;
    }
    return row;
  }

  // Whether the container is the component's: by its labels, or by adoption.
  bool belongs(const model::Component& component, const ServiceRecord& record,
               const runtime::Container& live, ComponentRecord& row) {
    if (managed(live)) {
      row.adopted = false;
      if (!carries_labels_of(live, record.service.name, component.name)) {
        add_note(note_, text("{} is a container of {}/{}", live.name, label(live, kLabelService),
                             label(live, kLabelComponent)));
        return false;
      }
      if (label(live, kLabelSpec) != row.sha256) {
        add_note(note_, text("{} was made from another specification", live.name));
      }
      return true;
    }
    const bool equal = has_settings_of(component, published_ports(record, component), live);
    row.adopted = row.adopted || (has_definition_ && equal);
    if (!row.adopted) {
      add_note(note_, text("{} is a container that mcp did not make", live.name));
    } else if (!equal) {
      add_note(note_, text("{} is adopted, but differs", live.name));
    }
    return row.adopted;
  }

  static bool has_settings_of(const model::Component& component,
                              const std::vector<model::Port>& ports,
                              const runtime::Container& live) {
    return boot::compare_settings(component, ports, live).empty();
  }

  // A container that an operator stopped is there and does not run; one that is not there was lost.
  bool desired(const model::Component& component, const Finding::Component* known,
               const Present* present) {
    if (known != nullptr) {
      return known->should_run && winner_.service.active;
    }
    if (!winner_.service.active || present == nullptr) {
      return winner_.service.active;
    }
    const runtime::State state = present->container.state;
    const bool runs = state == runtime::State::kRunning || state == runtime::State::kPaused;
    if (!runs) {
      add_note(note_, text("{} does not run and stays so until mcp start", component.container));
    }
    return runs;
  }

  bool same_image(const model::Component& component) const {
    const model::Component* then = mirror_->service.find(component.name);
    return then != nullptr && then->image == component.image;
  }

  const Finding& winner_;
  const Finding* mirror_;
  const Finding* labels_;
  const bool has_definition_;
  const Remains& remains_;
  std::string note_;
};

}  // namespace

const Finding* of_source(const std::vector<const Finding*>& findings, Source source) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const Finding* f) { return f->source == source; });
  return found == findings.end() ? nullptr : *found;
}

void add_note(std::string& note, const std::string& sentence) {
  note += (note.empty() ? "" : "; ") + sentence;
}

Recorded record_from(const Finding& winner, std::int64_t generation,
                     const std::vector<const Finding*>& findings, const Remains& remains) {
  RecordMaker maker(winner, findings, remains);
  Recorded recorded;
  recorded.record = maker.record(generation);
  recorded.note = maker.note();
  return recorded;
}

}  // namespace mcp::agent
