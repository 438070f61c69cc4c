#include "mcns/service/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/client.h"
#include "mcns/v1/admin.pb.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"

namespace mcns {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The configuration of a service in a folder of its own.
class ServiceTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.file(name); }

  dsl::Result<void> configure(Service& service, std::map<std::string, std::string> more = {}) {
    dsl::config::Table table("mcns");
    service.configure(table);
    std::map<std::string, std::string> flags = {
        {"socket.path", file("admin.sock")},
        {"server.grpc_addr", ""},
        {"server.rest_addr", ""},
        {"server.tokens", file("tokens")},
        {"database.path", file("mcns.db")},
        {"database.backups", file("backups")},
        {"dns.listen_addr", "127.0.0.1:0"},
        {"dns.upstreams", ""},
        {"dns.fallback_upstreams", ""},
        {"seed.paths", file("seed.zone")},
    };
    more.merge(flags);
    return table.load(dsl::env::system_env(), {.flags = std::move(more)});
  }

  dsl::test::TempDir folder_;
};

TEST_F(ServiceTest, StartsWithNothingAndAnswersOnItsSocket) {
  Service service;
  ASSERT_THAT(configure(service), ok());
  ASSERT_THAT(service.start(dsl::env::system_env()), ok());
  const auto channel = dsl::rpc::Channel::open("unix:" + file("admin.sock"));

  EXPECT_THAT(channel->call<v1::Status>("mcns.v1.AdminService.GetStatus", v1::GetStatusRequest()),
              ok());
  service.stop(std::chrono::seconds(5));
}

TEST_F(ServiceTest, APortAloneIsServedOnEveryAddressOfBothFamilies) {
  const dsl::test::TestCa ca;
  const dsl::test::IssuedPair pair = ca.issue({.names = {"mcns", "127.0.0.1"}});
  Service service;
  ASSERT_THAT(configure(service, {{"server.rest_addr", ":0"},
                                  {"server.tls_cert", folder_.write("mcns.crt", pair.cert_pem)},
                                  {"server.tls_key", folder_.write("mcns.key", pair.key_pem)}}),
              ok());
  ASSERT_THAT(service.start(dsl::env::system_env()), ok());

  EXPECT_THAT(service.listeners(), Contains(StartsWith("https 0.0.0.0:")));
  if (dsl::env::system_env().files().exists("/proc/net/if_inet6").value_or(false)) {
    EXPECT_THAT(service.listeners(), Contains(StartsWith("https [::]:")));
  }
  service.stop(std::chrono::seconds(5));
}

TEST_F(ServiceTest, AWrongUpstreamIsNamedBeforeAnythingStarts) {
  Service service;
  const auto loaded = configure(service, {{"dns.upstreams", "dns.example.test"}});

  EXPECT_THAT(loaded, failed_with(dsl::Code::kInvalidArgument));
}

TEST_F(ServiceTest, AnUpstreamThatIsOurselvesIsRefused) {
  Service first;
  ASSERT_THAT(configure(first), ok());
  ASSERT_THAT(first.start(dsl::env::system_env()), ok());
  const std::string own = first.listeners().front().substr(std::string("udp ").size());
  first.stop(std::chrono::seconds(5));
  Service second;
  ASSERT_THAT(configure(second, {{"dns.listen_addr", own}, {"dns.upstreams", own}}), ok());

  const auto started = second.start(dsl::env::system_env());
  ASSERT_THAT(started, failed_with(dsl::Code::kInvalidArgument));
  EXPECT_THAT(started.error().message(), HasSubstr(own));
}

TEST(ServiceExample, IsTheConfigurationReference) {
  const auto example =
      dsl::env::system_env().files().read_file(MC_SOURCE_DIR "/deploy/examples/mcns.toml");
  Service service;

  ASSERT_THAT(example, ok());
  EXPECT_EQ(*example, dsl::service::config_reference("mcns", service));
}

}  // namespace
}  // namespace mcns
