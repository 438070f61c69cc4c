// Every field of a resolved service by name, once: writing, reading and comparing walk this list,
// so that none can forget a field. Internal to this module.
#pragma once

#include <type_traits>

#include "mcp/model/service.h"

namespace mcp::model {

// `visit(name, member)` for each field; `Value` is the type or its const form.
template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Port>
void visit_fields(Value& port, Visitor&& visit) {
  visit("host_ip", port.host_ip);
  visit("host", port.host);
  visit("container", port.container);
  visit("protocol", port.protocol);
  visit("count", port.count);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Socket>
void visit_fields(Value& socket, Visitor&& visit) {
  visit("name", socket.name);
  visit("protocol", socket.protocol);
  visit("host_ip", socket.host_ip);
  visit("host", socket.host);
  visit("container", socket.container);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Volume>
void visit_fields(Value& volume, Visitor&& visit) {
  visit("host", volume.host);
  visit("container", volume.container);
  visit("options", volume.options);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Route>
void visit_fields(Value& route, Visitor&& visit) {
  visit("name", route.name);
  visit("port", route.port);
  visit("mode", route.mode);
  visit("hostnames", route.hostnames);
  visit("target", route.target);
  visit("backend_tls", route.backend_tls);
  visit("cert", route.cert);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, SecretUse>
void visit_fields(Value& secret, Visitor&& visit) {
  visit("name", secret.name);
  visit("env", secret.env);
  visit("file", secret.file);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Health>
void visit_fields(Value& health, Visitor&& visit) {
  visit("type", health.type);
  visit("port", health.port);
  visit("path", health.path);
  visit("host", health.host);
  visit("query", health.query);
  visit("expect", health.expect);
  visit("method", health.method);
  visit("cmd", health.cmd);
  visit("service", health.service);
  visit("tls", health.tls);
  visit("interval_ms", health.interval);
  visit("timeout_ms", health.timeout);
  visit("start_period_ms", health.start_period);
  visit("deadline_ms", health.deadline);
  visit("successes", health.successes);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Component>
void visit_fields(Value& component, Visitor&& visit) {
  visit("name", component.name);
  visit("container", component.container);
  visit("image", component.image);
  visit("volumes", component.volumes);
  visit("network", component.network);
  visit("aliases", component.aliases);
  visit("user", component.user);
  visit("restart", component.restart);
  visit("ports", component.ports);
  visit("sockets", component.sockets);
  visit("sockets_dir", component.sockets_dir);
  visit("env", component.env);
  visit("secrets", component.secrets);
  visit("cmd", component.cmd);
  visit("entrypoint", component.entrypoint);
  visit("workdir", component.workdir);
  visit("hostname", component.hostname);
  visit("dns", component.dns);
  visit("extra_hosts", component.extra_hosts);
  visit("tmpfs", component.tmpfs);
  visit("devices", component.devices);
  visit("sysctls", component.sysctls);
  visit("cap_add", component.cap_add);
  visit("cap_drop", component.cap_drop);
  visit("read_only", component.read_only);
  visit("no_new_privileges", component.no_new_privileges);
  visit("memory_bytes", component.memory_bytes);
  visit("cpus", component.cpus);
  visit("pids", component.pids);
  visit("stop_timeout_ms", component.stop_timeout);
  visit("stop_signal", component.stop_signal);
  visit("after", component.after);
  visit("health", component.health);
  visit("strategy", component.strategy);
  visit("routes", component.routes);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Service>
void visit_fields(Value& service, Visitor&& visit) {
  visit("name", service.name);
  visit("node", service.node);
  visit("version", service.version);
  visit("active", service.active);
  visit("tier", service.tier);
  visit("depends_on", service.depends_on);
  visit("essential", service.essential);
  visit("public", service.is_public);
  visit("path", service.path);
  visit("build_images", service.build_images);
  visit("labels", service.labels);
  visit("reconcile", service.reconcile);
  visit("components", service.components);
}

template <class Value, class Visitor>
requires std::is_same_v<std::remove_const_t<Value>, Allocation>
void visit_fields(Value& allocation, Visitor&& visit) {
  visit("component", allocation.component);
  visit("route", allocation.route);
  visit("host_port", allocation.host_port);
}

}  // namespace mcp::model
