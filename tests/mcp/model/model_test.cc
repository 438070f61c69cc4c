// Dependencies, warnings, comparison, identities and labels.
#include "mcp/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/model/render.h"
#include "support.h"

namespace {

using namespace mcp::model;
using testing::ElementsAre;
using testing::HasSubstr;

Service service(const std::string& name, const std::string& rest = "") {
  const auto resolved =
      test::parse_and_resolve("name = \"" + name + "\"\nversion = \"v1\"\n" + rest, name + ".toml");
  EXPECT_TRUE(resolved) << resolved.error().render();
  return resolved.value_or(Service{});
}

// --- dependencies ---

TEST(CheckDependencies, PrintsTheCycle) {
  const auto result = check_dependencies(
      {service("a", "depends_on = [\"b\"]"), service("b", "depends_on = [\"c/c\"]"),
       service("c", "depends_on = [\"a\"]")},
      {});

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kDependencyCycle);
  EXPECT_THAT(result.error().message(), HasSubstr("a -> b -> c -> a"));
}

TEST(CheckDependencies, TellsOfTheServicesAskedAboutAlone) {
  const std::vector<Service> services = {
      service("a", "depends_on = [\"b\"]"), service("b", "depends_on = [\"a\"]"),
      service("c", "depends_on = [\"a\", \"nowhere\"]"), service("d", "depends_on = [\"a\"]")};

  const auto of_b = check_dependencies(services, {}, {"b"});

  EXPECT_TRUE(check_dependencies(services, {}, {"d"}));
  ASSERT_FALSE(of_b);
  EXPECT_EQ(of_b.error().message(), "b.depends_on: services wait for each other: b -> a -> b");
}

TEST(CheckDependencies, CountsAServiceThatNeedsItselfAsACycle) {
  const auto result = check_dependencies({service("a", "depends_on = [\"a\"]")}, {});

  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("a -> a"));
}

TEST(CheckDependencies, RefusesAnEdgeToALaterTier) {
  const auto result =
      check_dependencies({service("dns", "tier = \"foundation\"\ndepends_on = [\"mcr\"]"),
                          service("mcr", "tier = \"core\"")},
                         {});

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kLaterTier);
  EXPECT_EQ(result.error().message(),
            "dns.depends_on: dns (foundation) depends on mcr of the later tier core");
}

TEST(CheckDependencies, NamesEveryUnknownTarget) {
  const auto result = check_dependencies(
      {service("web", "depends_on = [\"mcrr\", \"mcr/wbe\"]"), service("mcr")}, {});

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kUnknownDependency);
  ASSERT_EQ(result.error().details().size(), 2U);
  EXPECT_THAT(result.error().details()[0].message, HasSubstr("did you mean `mcr`?"));
  EXPECT_THAT(result.error().details()[1].message, HasSubstr("no such component"));
}

TEST(CheckDependencies, AcceptsEdgesWithinAndToEarlierTiers) {
  EXPECT_TRUE(
      check_dependencies({service("a", "tier = \"core\"\ndepends_on = [\"b\", \"c/c\"]"),
                          service("b", "tier = \"core\""), service("c", "tier = \"foundation\"")},
                         {}));
}

TEST(CheckDependencies, SurvivesAVeryLongChain) {
  std::vector<Service> services;
  for (int i = 0; i < 20000; ++i) {
    Service each;
    each.name = "s" + std::to_string(i);
    each.depends_on = {"s" + std::to_string((i + 1) % 20000)};
    services.push_back(std::move(each));
  }

  const auto result = check_dependencies(services, {});

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id(), code::kDependencyCycle);
}

// --- warnings ---

TEST(Lint, WarnsWhereABridgeHidesTheClient) {
  const Service dns =
      service("dns", "[[components]]\nports = [\"53:53/udp\", \"127.0.0.1:9000:9000\"]");

  EXPECT_THAT(lint(dns), ElementsAre(HasSubstr("L-SRCIP: dns/dns publishes 53:53/udp"),
                                     HasSubstr("L-PORT53"), HasSubstr("L-PRIV")));
}

TEST(Lint, IsContentWithSocketsWhereAPortWouldHideTheClient) {
  const Service dns = service("dns", R"(
[[components]]
[[components.sockets]]
name = "dns"
listen = "udp:@lan:53"
)");

  EXPECT_THAT(lint(dns), ElementsAre(HasSubstr("L-PRIV: dns/dns has a socket udp:127.0.1.1:53")));
}

TEST(Lint, WarnsOfAnImageUserAGateOfNothingAndNoRestart) {
  const Service x =
      service("x", "tier = \"core\"\n[[components]]\nuser = \"image\"\nrestart = \"no\"");

  EXPECT_THAT(lint(x),
              ElementsAre(HasSubstr("L-USER"), HasSubstr("L-GATE"), HasSubstr("L-RESTART")));
}

TEST(Lint, IsSilentAboutAnOrdinaryService) {
  EXPECT_THAT(lint(service("x", "[[routes]]\nport = 443")), testing::IsEmpty());
}

// --- comparison and identities ---

TEST(Compare, NamesEachFieldThatDiffers) {
  const Service want = service("x", "[[components]]\nname = \"api\"\nuser = \"1:1\"\n");
  Service have = want;
  have.tier = "core";
  have.components[0].user = "0:0";
  have.components[0].health.interval = std::chrono::milliseconds(5);

  const auto differences = compare(want, have);

  ASSERT_EQ(differences.size(), 3U);
  EXPECT_EQ(differences[0].field, "components.api.health.interval_ms");
  EXPECT_EQ(differences[1].field, "components.api.user");
  EXPECT_EQ(differences[1].want, "1:1");
  EXPECT_EQ(differences[1].have, "0:0");
  EXPECT_EQ(differences[2].field, "tier");
  EXPECT_TRUE(compare(want, want).empty());
}

TEST(ComponentIdentity, IgnoresGateOrderAndStrategyOnly) {
  const Service x = service("x", "[[components]]\nname = \"a\"\n[[components]]\nname = \"b\"");
  const std::string identity = component_sha256(x, x.components[0]);
  Component other = x.components[0];
  other.health.type = "exec";
  other.after = {"b"};
  other.strategy = "overlap";
  Component moved = x.components[0];
  moved.user = "1:1";
  Service labelled = x;
  labelled.labels["a"] = "b";

  EXPECT_EQ(component_sha256(x, other), identity);
  EXPECT_NE(component_sha256(x, moved), identity);
  EXPECT_NE(component_sha256(labelled, x.components[0]), identity);
  EXPECT_NE(component_sha256(x, x.components[1]), identity);
}

TEST(ServiceFromJson, RefusesWhatIsNotExactlyAService) {
  const std::string good = canonical_json(service("x"));
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const std::string bad[] = {"",
                             "null",
                             "[]",
                             "{}",
                             good.substr(0, good.size() - 1),
                             replaced("\"active\":true", "\"active\":1"),
                             replaced("\"active\":true,", ""),
                             replaced("\"active\":true", "\"active\":true,\"extra\":1"),
                             replaced("\"successes\":1", "\"successes\":99999999999"),
                             replaced("\"successes\":1", "\"successes\":1.5"),
                             replaced("\"pids\":0", "\"pids\":\"many\""),
                             replaced("\"port\":0", "\"port\":-1"),
                             replaced("\"cpus\":0", "\"cpus\":1e300"),
                             std::string((std::size_t{1} << 20) + 1, ' ')};
  for (const std::string& text : bad) {
    const auto result = service_from_json(text);

    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().id(), code::kSpecUnreadable);
  }
  EXPECT_EQ(service_from_json(good).value(), service("x"));
}

// --- labels ---

using Labels = std::map<std::string, std::string>;

Labels labels_of(const Service& x) {
  return container_labels(x, x.components[0], 7, {{"x", "", 12345}}).value();
}

TEST(ServiceFromLabels, TrustsNothing) {
  const Labels good = labels_of(service("x"));
  const auto with = [&](const std::string& key, const std::string& value) {
    Labels labels = good;
    labels[key] = value;
    return labels;
  };
  std::string torn = good.at("mcp.spec");
  torn[torn.size() / 2] = torn[torn.size() / 2] == 'A' ? 'B' : 'A';

  for (const Labels& bad :
       {Labels{}, with("mcp.spec", "not base64!"), with("mcp.spec", "AAAA"), with("mcp.spec", torn),
        with("mcp.spec", std::string(100000, 'A')), with("mcp.spec.sha256", std::string(64, '0')),
        with("mcp.component", "other"), with("mcp.generation", "-1"), with("mcp.generation", "7x"),
        with("mcp.ports", "{}"), with("mcp.ports", "[1]"), with("mcp.ports", "[")}) {
    const auto spec = service_from_labels(bad);

    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().id(), code::kSpecUnreadable);
  }
}

TEST(ServiceFromLabels, RefusesAFrameThatClaimsTooMuch) {
  Labels labels = labels_of(service("x"));
  // A zstd frame header: magic, single segment with an 8-byte size of 2^40, an empty raw block.
  labels["mcp.spec"] = "KLUv/eAAAAAAAAEAAAEAAA==";

  const auto spec = service_from_labels(labels);

  ASSERT_FALSE(spec);
  EXPECT_THAT(spec.error().message(), HasSubstr("above 1048576"));
}

TEST(ContainerLabels, CarryTheSpecificationThereAndBack) {
  const Service x = service("x", "[labels]\nteam = \"platform\"\n[[routes]]\nport = 443");
  const Labels labels = labels_of(x);

  const auto spec = service_from_labels(labels);

  ASSERT_TRUE(spec) << spec.error().render();
  EXPECT_EQ(spec->service, x);
  EXPECT_EQ(spec->component, "x");
  EXPECT_EQ(spec->generation, 7);
  EXPECT_EQ(spec->ports, (std::vector<Allocation>{{"x", "", 12345}}));
  EXPECT_EQ(labels.at("mcp.managed"), "1");
  EXPECT_EQ(labels.at("mcp.node"), "rift");
  EXPECT_EQ(labels.at("mcp.tier"), "services");
  EXPECT_EQ(labels.at("mcp.spec.sha256"), spec_sha256(x));
  EXPECT_EQ(labels.at("mcp.component.sha256"), component_sha256(x, x.components[0]));
  EXPECT_EQ(labels.at("team"), "platform");
}

// --- sockets ---

constexpr const char* kWithSockets = R"(
[[components]]
network = "none"
[[components.sockets]]
name = "dns"
listen = "udp:@lan:53"
[[components.sockets]]
name = "dns"
listen = "tcp:[::1]:53"
)";

TEST(Sockets, AreHostAddressesLikePorts) {
  const std::vector<Port> addresses = host_addresses(service("dns", kWithSockets).components[0]);

  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_EQ(addresses[0], (Port{"127.0.1.1", 53, 53, "udp"}));
  EXPECT_EQ(addresses[1], (Port{"::1", 53, 53, "tcp"}));
}

TEST(Sockets, ChooseTheGateAsPortsDo) {
  EXPECT_EQ(service("dns", kWithSockets).components[0].health.type, "dns");
}

TEST(Sockets, MountAndVariableArePartOfTheComponentsIdentity) {
  const Service dns = service("dns", kWithSockets);
  Service elsewhere = dns;
  elsewhere.components[0].sockets_dir = "/data/mcp/sockets/dns/dns";

  EXPECT_EQ(socket_mounts(dns.components[0]).front(),
            (Volume{"/srv/mcp/sockets/dns/dns", "/run/mc/sockets", {"ro"}}));
  EXPECT_EQ(socket_environment(dns.components[0]).front().first, "MC_SOCKETS");
  EXPECT_NE(component_sha256(dns, dns.components[0]),
            component_sha256(elsewhere, elsewhere.components[0]));
}

TEST(Sockets, LeaveTheIdentityOfAComponentWithoutThemAsItWas) {
  const Service plain = service("x", "[[components]]\nports = [\"127.0.0.1:80:80\"]");

  EXPECT_EQ(canonical_json(plain).find("sockets"), std::string::npos);
  EXPECT_TRUE(socket_mounts(plain.components[0]).empty());
  EXPECT_TRUE(socket_environment(plain.components[0]).empty());
}

TEST(Sockets, ThePlatformsOffsetMovesTheHostsSideOnly) {
  Platform platform;
  platform.port_offset = 20000;

  const auto dns = test::parse_and_resolve(
      std::string("name = \"dns\"\nversion = \"v1\"\n") + kWithSockets, "dns.toml", platform);

  ASSERT_TRUE(dns) << dns.error().render();
  EXPECT_EQ(dns->components[0].sockets[0].host, 20053);
  EXPECT_EQ(dns->components[0].sockets[0].container, 53);
}

TEST(Sockets, RunLineAndDefinitionShowThem) {
  const Service dns = service("dns", kWithSockets);

  const Rendered run = render_run(dns, {});
  const auto again = test::parse_and_resolve(render_toml(dns), "dns.toml");

  EXPECT_THAT(run.text, HasSubstr("-p 127.0.1.1:53:53/udp -p '[::1]:53:53/tcp'"));
  EXPECT_THAT(run.notices, testing::Contains(HasSubstr("hands no sockets over")));
  EXPECT_EQ(run.text.find("MC_SOCKETS"), std::string::npos);
  EXPECT_EQ(run.text.find("--network none"), std::string::npos);  // which would publish nothing
  ASSERT_TRUE(again) << again.error().render();
  EXPECT_EQ(*again, dns);
}

}  // namespace
