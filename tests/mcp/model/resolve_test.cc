// Right definitions: each resolve/*.toml must resolve to the .json beside it (pretty canonical
// JSON). To add one, write the .toml, run the test with MC_WRITE_EXPECTED=1, and review what it
// wrote.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "dsl/json/canonical.h"
#include "support.h"

namespace {

using namespace mcp::model;

void print(const boost::json::value& value, const std::string& indent, std::string& out) {
  const std::string deeper = indent + "  ";
  if (value.is_object() && !value.get_object().empty()) {
    out += "{\n";
    std::size_t left = value.get_object().size();
    for (const auto& member : value.get_object()) {
      out += deeper + boost::json::serialize(member.key()) + ": ";
      print(member.value(), deeper, out);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += indent + "}";
  } else if (value.is_array() && !value.get_array().empty() && !value.get_array()[0].is_string()) {
    out += "[\n";
    std::size_t left = value.get_array().size();
    for (const auto& item : value.get_array()) {
      out += deeper;
      print(item, deeper, out);
      out += --left > 0 ? ",\n" : "\n";
    }
    out += indent + "]";
  } else {
    out += dsl::json::canonical(value).value();
  }
}

std::string pretty(const Service& service) {
  std::string out;
  print(boost::json::parse(canonical_json(service)), "", out);
  return out + "\n";
}

// MCP-A2: the grammar half: resolve/only.toml has a name, a version and routes, and gets every
// default.
TEST(Resolve, WritesEveryDefaultOut) {
  const auto files = test::fixtures("resolve");
  ASSERT_GE(files.size(), 5U);
  for (const auto& file : files) {
    const auto service = test::parse_and_resolve(test::read_file(file), file.filename().string());

    ASSERT_TRUE(service) << service.error().render();
    const std::string text = pretty(*service);
    EXPECT_EQ(text,
              test::expected_file(std::filesystem::path(file).replace_extension(".json"), text))
        << file.filename();
  }
}

TEST(Resolve, AcceptsEachWayToWriteASoleComponent) {
  const std::string head = "name = \"x\"\nversion = \"v1\"\n";
  const auto top = test::parse_and_resolve(head + "[[routes]]\nport = 8443\n", "x.toml");
  const auto table =
      test::parse_and_resolve(head + "[[components.routes]]\nport = 8443\n", "x.toml");
  const auto array = test::parse_and_resolve(
      head + "[[components]]\n[[components.routes]]\nport = 8443\n", "x.toml");

  ASSERT_TRUE(top && table && array);
  EXPECT_EQ(*top, *array);
  EXPECT_EQ(*table, *array);
  EXPECT_EQ(top->components.front().image, "mcr.svc.mcp.metacircular.net:8443/x:v1");
}

TEST(Resolve, NamesTheImageOfTheMainComponentAfterTheService) {
  const auto first = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nname = \"b\"\n[[components]]\nname = "
      "\"a\"\n",
      "x.toml");
  const auto own = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nname = \"b\"\n[[components]]\nname = "
      "\"x\"\n",
      "x.toml");

  ASSERT_TRUE(first && own);
  EXPECT_EQ(first->components[0].image, "mcr.svc.mcp.metacircular.net:8443/x:v1");
  EXPECT_EQ(first->components[1].image, "mcr.svc.mcp.metacircular.net:8443/x-a:v1");
  EXPECT_EQ(own->components[0].image, "mcr.svc.mcp.metacircular.net:8443/x-b:v1");
  EXPECT_EQ(own->components[1].image, "mcr.svc.mcp.metacircular.net:8443/x:v1");
  EXPECT_EQ(own->components[1].container, "x");
  EXPECT_EQ(own->components[0].container, "x-b");
}

TEST(Resolve, MovesHostPortsByThePlatformsOffsetAndNoOthers) {
  Platform platform;
  platform.port_offset = 1000;
  const char* bridged =
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nports = [\"127.0.0.1:28443:8443\"]\n";
  const char* hosted =
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nnetwork = \"host\"\n"
      "[components.health]\ntype = \"tcp\"\nport = 443\n";

  const auto bridge = test::parse_and_resolve(bridged, "x.toml", platform);
  const auto host = test::parse_and_resolve(hosted, "x.toml", platform);

  ASSERT_TRUE(bridge && host);
  EXPECT_EQ(bridge->components[0].ports[0].host, 29443);
  EXPECT_EQ(bridge->components[0].ports[0].container, 8443);
  EXPECT_EQ(bridge->components[0].health.port, 29443);
  EXPECT_EQ(host->components[0].health.port, 1443);
}

TEST(Resolve, TakesTheHostPortOrTheContainerPortForAGate) {
  const auto gate = [](int port) {
    const auto service = test::parse_and_resolve(
        "name = \"x\"\nversion = \"v1\"\n[[components]]\n"
        "ports = [\"127.0.0.1:9000-9009:8000-8009\", \"127.0.0.1:8005:53\"]\n"
        "[components.health]\ntype = \"tcp\"\nport = " +
            std::to_string(port) + "\n",
        "x.toml");
    return service ? service->components[0].health.port : 0;
  };

  EXPECT_EQ(gate(9003), 9003);
  EXPECT_EQ(gate(8003), 9003);
  EXPECT_EQ(gate(8005), 8005);  // the host side goes first
  EXPECT_EQ(gate(53), 8005);
}

TEST(Resolve, MountsTheDefaultVolumeFromThePlatformsDataRoot) {
  Platform platform;
  platform.data_root = "/var/lib/test/srv/";
  platform.volume_roots = {"/var/lib/test/"};

  const auto service =
      test::parse_and_resolve("name = \"x\"\nversion = \"v1\"\n", "x.toml", platform);

  ASSERT_TRUE(service) << service.error().render();
  EXPECT_EQ(service->components[0].volumes,
            (std::vector<Volume>{{"/var/lib/test/srv/x", "/srv/x", {}}}));
}

TEST(Resolve, LetsAnOwnVolumeTakeThePlaceOfTheDefault) {
  const auto service = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n[[components]]\nvolumes = [\"/srv/x//:/srv/x:ro\"]\n",
      "x.toml");

  ASSERT_TRUE(service);
  EXPECT_EQ(service->components[0].volumes, (std::vector<Volume>{{"/srv/x", "/srv/x", {"ro"}}}));
}

TEST(Resolve, GivesRoutesToAContainerAndItsSiblings) {
  const auto service = test::parse_and_resolve(
      "name = \"x\"\nversion = \"v1\"\n"
      "[[components]]\nname = \"api\"\n"
      "[[components.routes]]\nname = \"rest-v1\"\ntarget = 8443\n"
      "[[components.routes]]\nname = \"grpc\"\n"
      "[[components]]\nname = \"web\"\n[[components.routes]]\nport = 443\n"
      "[[components]]\nname = \"edge\"\nnetwork = \"host\"\n",
      "x.toml");
  ASSERT_TRUE(service) << service.error().render();
  const std::vector<Allocation> ports = {
      {"api", "rest-v1", 11111}, {"api", "grpc", 22222}, {"web", "", 33333}};
  using Environment = std::vector<std::pair<std::string, std::string>>;

  EXPECT_EQ(
      route_environment(*service, *service->find("api"), ports),
      (Environment{{"PORT_REST_V1", "8443"}, {"PORT_GRPC", "22222"}, {"PEER_WEB", "x-web:33333"}}));
  EXPECT_EQ(route_environment(*service, *service->find("web"), ports),
            (Environment{{"PEER_API_REST_V1", "x-api:8443"},
                         {"PEER_API_GRPC", "x-api:22222"},
                         {"PORT", "33333"}}));
  EXPECT_EQ(route_environment(*service, *service->find("edge"), ports),
            (Environment{{"PEER_API_REST_V1", "127.0.0.1:11111"},
                         {"PEER_API_GRPC", "127.0.0.1:22222"},
                         {"PEER_WEB", "127.0.0.1:33333"}}));
}

}  // namespace
