#include "mcp/agent/drift.h"

#include "mcp/agent/containers.h"
#include "mcp/boot/settings.h"

namespace mcp::agent {

using dsl::text;
using model::FieldDifference;

namespace {

void add(std::vector<FieldDifference>& out, std::string field, std::string want, std::string have) {
  if (want != have) {
    out.push_back({std::move(field), std::move(want), std::move(have)});
  }
}

}  // namespace

std::string port_text(const model::Port& port) {
  const std::string ip = port.host_ip == "0.0.0.0" ? "" : port.host_ip;
  const std::string host = ip.find(':') == std::string::npos ? ip : text("[{}]", ip);
  const std::string range = port.count > 1 ? text("-{}", port.host + port.count - 1) : "";
  return text("{}{}{}{}->{}/{}", host, host.empty() ? "" : ":", port.host, range, port.container,
              port.protocol);
}

std::string socket_text(const model::Socket& socket) {
  const bool v6 = socket.host_ip.find(':') != std::string::npos;
  return text(v6 ? "[{}]:{}/{}" : "{}:{}/{}", socket.host_ip, socket.host, socket.protocol);
}

std::vector<FieldDifference> drift(const ServiceRecord& record, const ComponentRecord& wanted,
                                   const runtime::Container& live,
                                   const std::string& live_image_digest) {
  std::vector<FieldDifference> out;
  const model::Component* component = record.service.find(wanted.name);
  if (component == nullptr) {
    return out;
  }
  const bool labelled = !label(live, kLabelManaged).empty();
  if (labelled) {
    add(out, "spec", wanted.sha256, label(live, kLabelSpec));
  }
  if (!wanted.image_digest.empty() && !live_image_digest.empty()) {
    add(out, "image", wanted.image_digest, live_image_digest);
  }
  for (FieldDifference& difference :
       boot::compare_settings(*component, published_ports(record, *component), live)) {
    // Of our own containers the digest above decides; their reference may be a pinned id.
    if (difference.field != "image" || !labelled) {
      out.push_back(std::move(difference));
    }
  }
  return out;
}

}  // namespace mcp::agent
