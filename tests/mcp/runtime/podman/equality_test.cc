// A container made through the API is the one that `podman run` makes from the same settings.
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "podman_fixture.h"

namespace mcp::runtime::test {
namespace {

namespace json = boost::json;
using dsl::test::free_tcp_port;
using dsl::test::ok;
using dsl::test::require_ok;

// What may differ between two containers: who they are, when they began, and how they were made.
constexpr const char* kOwnFields[] = {
    "Id",
    "Created",
    "State",
    "ConmonPidFile",
    "PidFile",
    "ResolvConfPath",
    "HostnamePath",
    "HostsPath",
    "StaticDir",
    "OCIConfigPath",
    "GraphDriver",
    "SandboxKey",
    "CreateCommand",
    "Annotations",
    "Name",
    "IPAddress",
    "MacAddress",
};

// Options of a mount come in the order in which they were given, which means nothing.
json::value sorted_words(const json::value& value) {
  std::string text(value.as_string());
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find_first_of(",:", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(words.begin(), words.end());
  std::string out;
  for (const auto& word : words) {
    out += word + ",";
  }
  return json::value(json::string_view(out));
}

void drop_own_fields(json::value& value, const std::string& id) {
  if (auto* object = value.if_object()) {
    for (const char* field : kOwnFields) {
      object->erase(field);
    }
    for (auto& member : *object) {
      drop_own_fields(member.value(), id);
    }
  } else if (auto* array = value.if_array()) {
    for (auto& item : *array) {
      drop_own_fields(item, id);
    }
  } else if (auto* text = value.if_string()) {
    for (const std::string& own : {id, id.substr(0, 12)}) {
      for (auto at = text->find(own); at != json::string::npos; at = text->find(own)) {
        text->replace(at, own.size(), "ID");
      }
    }
  }
}

class Equality : public PodmanTest {
 protected:
  json::object inspected(const std::string& name) {
    json::value all = json::parse(store().must({"inspect", name}));
    json::value one = all.at(0);
    const std::string id(one.at("Id").as_string());
    drop_own_fields(one, id);
    json::object& host = one.at("HostConfig").as_object();
    for (auto& bind : host["Binds"].as_array()) {
      bind = sorted_words(bind);
    }
    for (auto& mount : host["Tmpfs"].as_object()) {
      mount.value() = sorted_words(mount.value());
    }
    // These come in the order of a hash table.
    for (json::array* unordered : {&one.at("Config").at("Env").as_array(),
                                   &host["Binds"].as_array(), &one.at("Mounts").as_array()}) {
      std::sort(unordered->begin(), unordered->end(),
                [](const json::value& a, const json::value& b) {
                  return json::serialize(a) < json::serialize(b);
                });
    }
    return std::move(one.as_object());
  }

  // Runs both under one name, one after the other, and shows each field that differs.
  void expect_equal(const ContainerSpec& spec, std::vector<std::string> arguments) {
    const std::string& name = spec.component.container;
    std::vector<std::string> command = {"run", "-d", "--name", name};
    command.insert(command.end(), arguments.begin(), arguments.end());
    store().must(command);
    const json::object wanted = inspected(name);
    ASSERT_THAT(runtime().remove(name, true), ok());

    create_and_start(spec);
    const json::object made = inspected(name);

    compare("", wanted, made);
  }

  static void compare(const std::string& path, const json::object& wanted,
                      const json::object& made) {
    for (const auto& member : wanted) {
      const std::string field = path + "." + std::string(member.key());
      const auto* other = made.if_contains(member.key());
      if (other != nullptr && other->is_object() && member.value().is_object()) {
        compare(field, member.value().get_object(), other->get_object());
      } else {
        EXPECT_EQ(json::serialize(member.value()),
                  other == nullptr ? "(absent)" : json::serialize(*other))
            << field;
      }
    }
    for (const auto& member : made) {
      EXPECT_NE(wanted.if_contains(member.key()), nullptr)
          << path << "." << std::string(member.key());
    }
  }
};

TEST_F(Equality, WithEverythingSet) {
  require_ok(runtime().ensure_network("mcpnet"));
  const std::string tcp = std::to_string(free_tcp_port());
  const std::string udp = std::to_string(free_tcp_port());
  ContainerSpec spec = sleeper("all", "mcpnet");
  auto& component = spec.component;
  component.aliases = {"api", "svc"};
  component.restart = "unless-stopped";
  component.volumes = {{store().home(), "/data", {"ro"}}, {store().home(), "/more", {}}};
  component.user = "0:0";
  component.workdir = "/tmp";
  component.hostname = "box";
  component.dns = {"192.0.2.53"};
  component.extra_hosts = {"peer:192.0.2.7"};
  component.tmpfs = {"/scratch:size=1m"};
  component.devices = {"/dev/fuse"};
  component.sysctls = {{"net.ipv4.ip_forward", "1"}};
  component.cap_add = {"NET_RAW"};
  component.cap_drop = {"SETFCAP"};
  component.read_only = true;
  component.no_new_privileges = true;
  component.stop_timeout = std::chrono::seconds(1);
  component.stop_signal = "KILL";
  spec.env = {{"KEY", "a value"}};
  spec.labels = {{"mcp.managed", "1"}};
  spec.ports = {{"127.0.0.1", static_cast<std::uint16_t>(std::stoi(tcp)), 80},
                {"", static_cast<std::uint16_t>(std::stoi(udp)), 53, "udp"}};

  expect_equal(spec, {"--network",
                      "mcpnet",
                      "--network-alias",
                      "api",
                      "--network-alias",
                      "svc",
                      "--restart",
                      "unless-stopped",
                      "-v",
                      store().home() + ":/data:ro",
                      "-v",
                      store().home() + ":/more",
                      "--user",
                      "0:0",
                      "--workdir",
                      "/tmp",
                      "--hostname",
                      "box",
                      "--dns",
                      "192.0.2.53",
                      "--add-host",
                      "peer:192.0.2.7",
                      "--tmpfs",
                      "/scratch:size=1m",
                      "--device",
                      "/dev/fuse",
                      "--sysctl",
                      "net.ipv4.ip_forward=1",
                      "--cap-add",
                      "NET_RAW",
                      "--cap-drop",
                      "SETFCAP",
                      "--read-only",
                      "--security-opt",
                      "no-new-privileges",
                      "--stop-timeout",
                      "1",
                      "--stop-signal",
                      "KILL",
                      "-e",
                      "KEY=a value",
                      "--label",
                      "mcp.managed=1",
                      "-p",
                      "127.0.0.1:" + tcp + ":80",
                      "-p",
                      udp + ":53/udp",
                      "bb:1",
                      "sleep",
                      "1000"});
}

TEST_F(Equality, WithTheRuntimesOwnNetwork) {
  ContainerSpec spec = sleeper("own", "default");
  spec.component.no_new_privileges = false;
  spec.component.restart = "on-failure:3";
  spec.component.user = "";

  expect_equal(spec, {"--restart", "on-failure:3", "--stop-timeout", "1", "--stop-signal", "KILL",
                      "bb:1", "sleep", "1000"});
}

TEST_F(Equality, OnTheHostsNetworkWithAnEntryPoint) {
  ContainerSpec spec = sleeper("host", "host");
  spec.component.no_new_privileges = false;
  spec.component.restart = "always";
  spec.component.entrypoint = {"/bin/sh", "-c"};
  spec.component.cmd = {"sleep 1000"};

  expect_equal(
      spec, {"--network", "host", "--restart", "always", "--user", "0:0", "--stop-timeout", "1",
             "--stop-signal", "KILL", "--entrypoint", R"(["/bin/sh","-c"])", "bb:1", "sleep 1000"});
}

TEST_F(Equality, WithoutANetwork) {
  ContainerSpec spec = sleeper("none", "none");
  spec.component.no_new_privileges = false;

  expect_equal(spec, {"--network", "none", "--restart", "no", "--user", "0:0", "--stop-timeout",
                      "1", "--stop-signal", "KILL", "bb:1", "sleep", "1000"});
}

}  // namespace
}  // namespace mcp::runtime::test
