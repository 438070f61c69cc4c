// Promises that hold for any service, not only for the fixtures.
#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "mcp/model/render.h"
#include "support.h"

namespace {

using namespace mcp::model;

// --- any Service at all, as a type: for the canonical form ---

std::string any_text() {
  // Whole code points, among them quotes, control characters and those beyond the first plane.
  static const std::vector<std::string> kPieces = {
      "a",    "Z", "0",   " ", "\"",       "\\",           "\n",           "\t",
      "\x01", "'", "$",   "=", "\xC3\xB6", "\xE2\x82\xAC", "\xEF\xAC\xB3", "\xF0\x9F\x98\x80",
      "/",    ":", "\x7F"};
  std::string text;
  for (const std::string& piece :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(kPieces))) {
    text += piece;
  }
  return text;
}

template <class T>
std::vector<T> some(T (*make)()) {
  std::vector<T> list(*rc::gen::inRange<std::size_t>(0, 4));
  std::generate(list.begin(), list.end(), make);
  return list;
}

std::vector<std::string> any_texts() { return some<std::string>(any_text); }

std::map<std::string, std::string> any_map() {
  std::map<std::string, std::string> map;
  for (const std::string& key : any_texts()) {
    map[key] = any_text();
  }
  return map;
}

bool any_bool() { return *rc::gen::arbitrary<bool>(); }
std::uint16_t any_port_number() { return *rc::gen::arbitrary<std::uint16_t>(); }
std::chrono::milliseconds any_duration() {
  return std::chrono::milliseconds(*rc::gen::arbitrary<std::int64_t>());
}

Port any_port() {
  return {any_text(), any_port_number(), any_port_number(), any_text(), any_port_number()};
}
Socket any_socket() {
  return {any_text(), any_text(), any_text(), any_port_number(), any_port_number()};
}
Volume any_volume() { return {any_text(), any_text(), any_texts()}; }
SecretUse any_secret() { return {any_text(), any_text(), any_text()}; }
std::pair<std::string, std::string> any_pair() { return {any_text(), any_text()}; }
Route any_route() {
  return {any_text(),        any_port_number(), any_text(), any_texts(),
          any_port_number(), any_bool(),        any_text()};
}
std::optional<std::vector<std::string>> maybe_texts() {
  return any_bool() ? std::optional(any_texts()) : std::nullopt;
}

Component any_component() {
  Component c;
  c.name = any_text();
  c.container = any_text();
  c.image = any_text();
  c.volumes = some<Volume>(any_volume);
  c.network = any_text();
  c.aliases = any_texts();
  c.user = any_text();
  c.restart = any_text();
  c.ports = some<Port>(any_port);
  c.sockets = some<Socket>(any_socket);
  c.sockets_dir = any_text();
  c.env = some<std::pair<std::string, std::string>>(any_pair);
  c.secrets = some<SecretUse>(any_secret);
  c.cmd = maybe_texts();
  c.entrypoint = maybe_texts();
  c.workdir = any_text();
  c.hostname = any_text();
  c.dns = any_texts();
  c.extra_hosts = any_texts();
  c.tmpfs = any_texts();
  c.devices = any_texts();
  c.sysctls = any_map();
  c.cap_add = any_texts();
  c.cap_drop = any_texts();
  c.read_only = any_bool();
  c.no_new_privileges = any_bool();
  c.memory_bytes = *rc::gen::arbitrary<std::uint64_t>();
  c.cpus = *rc::gen::inRange(0, 4096000) / 1000.0;
  c.pids = *rc::gen::arbitrary<std::int64_t>();
  c.stop_timeout = any_duration();
  c.stop_signal = any_text();
  c.after = any_texts();
  c.health = {any_text(),     any_port_number(), any_text(),     any_text(),     any_text(),
              any_text(),     any_text(),        any_texts(),    any_text(),     any_text(),
              any_duration(), any_duration(),    any_duration(), any_duration(), 1};
  c.health.successes = *rc::gen::arbitrary<int>();
  c.strategy = any_text();
  c.routes = some<Route>(any_route);
  return c;
}

Service any_service() {
  return {any_text(),
          any_text(),
          any_text(),
          any_bool(),
          any_text(),
          any_texts(),
          any_bool(),
          any_bool(),
          any_text(),
          any_map(),
          any_map(),
          any_text(),
          some<Component>(any_component)};
}

RC_GTEST_PROP(CanonicalJson, BringsEveryServiceBackExactly, ()) {
  const Service service = any_service();

  const std::string json = canonical_json(service);
  const auto back = service_from_json(json);

  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == service);
  RC_ASSERT(canonical_json(*back) == json);
  RC_ASSERT(compare(service, *back).empty());
}

// --- any definition that resolves: for the renderings ---

template <class T>
T one_of(std::vector<T> values) {
  return *rc::gen::elementOf(values);
}

// Text that the grammar takes for values: no NUL.
std::string value_text() { return any_text(); }

std::vector<std::string> chosen(const std::vector<std::string>& from) {
  std::vector<std::string> list;
  for (const std::string& each : from) {
    if (any_bool()) {
      list.push_back(each);
    }
  }
  return list;
}

Component sound_component(const std::string& service, int index) {
  Component c;
  c.name = index == 0 ? service : "c" + std::to_string(index);
  c.container = one_of<std::string>({service + "-" + c.name, c.name + ".x"});
  if (index == 0) {
    c.container = service;
  }
  c.image = one_of<std::string>(
      {"mcr.svc.mcp.metacircular.net:8443/" + service + ":v1", "registry.example/other:v2",
       "localhost/x@sha256:" + std::string(64, 'a'), "docker.io/library/x:latest"});
  c.volumes = {{"/srv/" + service, "/srv/" + service, {}}};
  if (any_bool()) {
    c.volumes.push_back({"/srv/" + service + "/more", "/more", chosen({"ro", "Z", "U"})});
  }
  c.network = one_of<std::string>({"mcpnet", "host", "none", "default", "bridge"});
  if (c.network == "mcpnet" || c.network == "bridge") {
    c.aliases = chosen({"first", "second"});
  }
  c.user = one_of<std::string>({"", "0:0", "1000", "web:web"});
  c.restart = one_of<std::string>({"unless-stopped", "always", "no", "on-failure", "on-failure:3"});
  if (c.network != "host" && c.network != "none") {
    const auto base = static_cast<std::uint16_t>(1000 * (index + 1));
    if (any_bool()) {
      c.ports.push_back({"127.0.0.1", base, one_of<std::uint16_t>({80, 8443, 53}), "tcp", 1});
    }
    if (any_bool()) {
      c.ports.push_back({one_of<std::string>({"", "127.0.1.1", "::1"}),
                         static_cast<std::uint16_t>(base + 100), 53, "udp",
                         one_of<std::uint16_t>({1, 5})});
    }
  }
  if (any_bool()) {
    c.env = {{"A", value_text()}, {"B_2", value_text()}};
  }
  if (any_bool()) {
    c.secrets = {{"token", "TOKEN", ""}, {"key", "", "/run/key"}};
  }
  if (any_bool()) {
    c.cmd = {"run", value_text(), value_text()};
  }
  if (any_bool()) {
    c.entrypoint = one_of<std::vector<std::string>>(
        {{}, {"/bin/x"}, {"/bin/x", value_text()}, {"[odd"}, {""}});
  }
  c.workdir = one_of<std::string>({"", "/work", "/a b"});
  c.hostname = one_of<std::string>({"", "host.example"});
  c.dns = chosen({"192.0.2.53", "2001:db8::53"});
  c.extra_hosts = chosen({"peer:192.0.2.7"});
  c.tmpfs = chosen({"/tmp", "/run:size=64m"});
  c.devices = chosen({"/dev/net/tun"});
  if (any_bool()) {
    c.sysctls = {{"net.ipv4.ip_forward", "1"}};
  }
  c.cap_add = chosen({"NET_BIND_SERVICE"});
  c.cap_drop = chosen({"ALL", "SETUID"});
  c.read_only = any_bool();
  c.no_new_privileges = any_bool();
  c.memory_bytes = one_of<std::uint64_t>({0, 1, 1024, 536870912, 1ULL << 30, 123456789});
  c.cpus = one_of<double>({0, 0.001, 0.1, 1.5, 2, 12.345});
  c.pids = one_of<std::int64_t>({0, 100});
  c.stop_timeout = std::chrono::seconds(one_of<int>({0, 10, 90}));
  c.stop_signal = one_of<std::string>({"TERM", "INT", "SIGQUIT"});
  return c;
}

// A service as `resolve` makes it: written as TOML without its gates, and resolved.
Service sound_service() {
  Service service;
  service.name = service.path = one_of<std::string>({"mcr", "x", "a-b"});
  service.node = "rift";
  service.version = one_of<std::string>({"v1", "latest", ""});
  service.tier = one_of<std::string>({"foundation", "services"});
  service.depends_on = chosen({"mcns", "mcq/web"});
  service.labels = any_bool() ? std::map<std::string, std::string>{{"team", value_text()}}
                              : std::map<std::string, std::string>{};
  const int count = *rc::gen::inRange(1, 4);
  for (int i = 0; i < count; ++i) {
    service.components.push_back(sound_component(service.name, i));
    if (i > 0 && any_bool()) {
      service.components[0].after.push_back(service.components.back().name);
    }
  }
  // The gates are what a definition without them gets.
  std::string toml = render_toml(service);
  while (true) {
    const std::size_t begin = toml.find("\n[components.health]");
    if (begin == std::string::npos) {
      break;
    }
    toml.erase(begin, toml.find("successes", begin) - begin);
    toml.erase(begin, toml.find('\n', begin) - begin);
  }
  auto resolved = test::parse_and_resolve(toml, service.name + ".toml");
  RC_ASSERT(resolved.has_value());
  return std::move(*resolved);
}

RC_GTEST_PROP(RenderToml, ParsesBackToTheSameService, ()) {
  const Service service = sound_service();

  const auto back = test::parse_and_resolve(render_toml(service), service.name + ".toml");

  if (!back) {
    RC_LOG() << back.error().render() << render_toml(service);
  }
  RC_ASSERT(back.has_value());
  RC_ASSERT(compare(service, *back).empty());
  RC_ASSERT(*back == service);
}

// MCP-A1: in general: what `podman run` can express comes back from its lines unchanged.
RC_GTEST_PROP(RenderRun, ConvertsBackToTheSameService, ()) {
  const Service service = sound_service();

  const Rendered rendered = render_run(service, {});
  const auto converted = convert_run_lines(rendered.text, {}, test::rift());

  if (!converted) {
    RC_LOG() << converted.error().render() << rendered.text;
  }
  RC_ASSERT(converted.has_value());
  RC_ASSERT(converted->size() == 1U);
  RC_ASSERT(converted->front().name == service.name);
  auto back = test::parse_and_resolve(converted->front().toml, service.name + ".toml");
  RC_ASSERT(back.has_value());

  // What a run line cannot express, and names of components, which it does not carry.
  Service want = service;
  want.version = back->version;
  want.tier = back->tier;
  want.depends_on = back->depends_on;
  const auto by_container = [](const Component& a, const Component& b) {
    return a.container < b.container;
  };
  std::sort(want.components.begin(), want.components.end(), by_container);
  std::sort(back->components.begin(), back->components.end(), by_container);
  RC_ASSERT(want.components.size() == back->components.size());
  for (std::size_t i = 0; i < want.components.size(); ++i) {
    want.components[i].name = back->components[i].name;
    want.components[i].after.clear();
  }
  for (const FieldDifference& difference : compare(want, *back)) {
    RC_LOG() << difference.field << ": " << difference.want << " / " << difference.have << "\n";
  }
  RC_ASSERT(want == *back);
}

RC_GTEST_PROP(QuoteShell, IsUndoneBySplitShell, ()) {
  const std::vector<std::string> words = any_texts();
  std::string text;
  for (const std::string& word : words) {
    text += quote_shell(word) + " ";
  }

  const auto back = split_shell(text);

  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == words);
}

}  // namespace
