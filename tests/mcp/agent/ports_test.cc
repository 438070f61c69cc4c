#include "mcp/agent/ports.h"

#include <set>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dsl/env/unique_fd.h"
#include "mcp/agent/port_probe.h"
#include "mcp/agent/sample.h"
#include "support/test_env.h"

namespace mcp::agent {
namespace {

using dsl::Code;
using dsl::test::failed_saying;
using dsl::test::ok;
using dsl::test::require_ok;
using ::testing::HasSubstr;

// A port of this host that listens on 127.0.0.1 while it lives.
class BusyPort {
 public:
  BusyPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    MC_ASSERT(bind(fd_.get(), raw, size) == 0 && listen(fd_.get(), 1) == 0 &&
                  getsockname(fd_.get(), raw, &size) == 0,
              "the test listens on a free port");
    number_ = ntohs(address.sin_port);
  }
  std::uint16_t number() const { return number_; }

 private:
  dsl::env::UniqueFd fd_;
  std::uint16_t number_ = 0;
};

model::Service with_routes(std::vector<std::string> routes) {
  model::Service service;
  service.name = "mcq";
  model::Component component;
  component.name = "api";
  for (std::string& name : routes) {
    model::Route route;
    route.name = std::move(name);
    component.routes.push_back(std::move(route));
  }
  service.components = {component};
  return service;
}

model::Service with_port(const std::string& ip, std::uint16_t port, const std::string& protocol,
                         std::uint16_t count = 1) {
  model::Service service;
  service.name = "mcq";
  model::Component component;
  component.name = "api";
  component.ports = {{ip, port, port, protocol, count}};
  service.components = {component};
  return service;
}

class Ports : public ::testing::Test {
 protected:
  Ports() { env_.use_real_files(); }
  Result<std::vector<model::Allocation>> allocate(
      const model::Service& service, const std::vector<model::Allocation>& former = {}) {
    return allocate_ports(env_, config_, service, former, taken_);
  }

  dsl::test::TestEnv env_{1};
  Config config_;
  std::vector<PortRecord> taken_;
};

TEST_F(Ports, NoneLeftNamesTheRangeAndTheWayOut) {
  config_.port_min = 40000;
  config_.port_max = 40001;
  taken_ = {{.port = 40000, .protocol = "tcp", .owner = "other/api"},
            {.port = 40001, .protocol = "tcp", .owner = "other/api"}};

  const auto allocated = allocate(with_routes({"web"}));

  EXPECT_THAT(allocated, failed_saying(Code::kNoSpace, "no free port between 40000 and 40001"));
  EXPECT_EQ(allocated.error().id(), model::code::kPortsExhausted);
  EXPECT_THAT(allocated.error().hint(), HasSubstr("agent.port_max"));
}

TEST_F(Ports, APortThatAProcessHoldsIsNotChosen) {
  const BusyPort busy;
  config_.port_min = config_.port_max = busy.number();

  EXPECT_THAT(allocate(with_routes({"web"})), failed_saying(Code::kNoSpace, "no free port"));
  EXPECT_FALSE(port_is_free("127.0.0.1", busy.number(), "tcp"));
  EXPECT_FALSE(port_is_free("", busy.number(), "tcp")) << "the wildcard address is held, too";
}

TEST_F(Ports, WhoHoldsAPortIsNamed) {
  const BusyPort busy;

  EXPECT_THAT(port_holder("127.0.0.1", busy.number(), "tcp"),
              HasSubstr(dsl::text("(pid {})", getpid())));
  EXPECT_THAT(port_holder("", busy.number(), "tcp"), HasSubstr(dsl::text("(pid {})", getpid())));
  EXPECT_EQ(port_holder("127.0.0.1", busy.number(), "udp"), "");
}

TEST_F(Ports, EachRouteGetsAPortOfItsOwnWithinTheRange) {
  config_.port_min = 41000;
  config_.port_max = 41200;
  taken_ = {{.port = 41007, .protocol = "tcp", .owner = "other/api"}};
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) {
    names.push_back(dsl::text("r{}", i));
  }

  const auto allocated = require_ok(allocate(with_routes(names)));

  std::set<std::uint16_t> numbers;
  for (const model::Allocation& allocation : allocated) {
    EXPECT_GE(allocation.host_port, 41000);
    EXPECT_LE(allocation.host_port, 41200);
    EXPECT_NE(allocation.host_port, 41007);
    numbers.insert(allocation.host_port);
  }
  EXPECT_EQ(numbers.size(), names.size());
}

TEST_F(Ports, ARouteKeepsItsPortEvenWhileItsOwnContainerHoldsIt) {
  const BusyPort busy;
  const std::vector<model::Allocation> former = {{"api", "web", busy.number()},
                                                 {"api", "gone", 12345}};
  taken_ = {{.host_ip = "127.0.0.1",
             .port = busy.number(),
             .protocol = "tcp",
             .owner = "mcq/api",
             .fixed = false,
             .route = "web"}};

  const auto allocated = require_ok(allocate(with_routes({"web", "admin"}), former));

  ASSERT_EQ(allocated.size(), 2U);
  EXPECT_EQ(allocated[0], former[0]);
  EXPECT_EQ(allocated[1].route, "admin");
  EXPECT_NE(allocated[1].host_port, busy.number());
}

struct Clash {
  const char* name;
  PortRecord taken;
  const char* ip;
  std::uint16_t port;
  const char* protocol;
  bool conflicts;
};
void PrintTo(const Clash& clash, std::ostream* out) { *out << clash.name; }

class FixedPorts : public ::testing::TestWithParam<Clash> {};

TEST_P(FixedPorts, AreComparedWithThoseOfOtherServices) {
  const Clash& clash = GetParam();

  const Result<void> checked =
      check_fixed_ports(with_port(clash.ip, clash.port, clash.protocol), {clash.taken});

  if (!clash.conflicts) {
    EXPECT_THAT(checked, ok());
    return;
  }
  EXPECT_THAT(checked, failed_saying(Code::kConflict, "belongs to " + clash.taken.owner));
  EXPECT_EQ(checked.error().id(), model::code::kPortTaken);
}

PortRecord owned(const char* ip, std::uint16_t port, const char* protocol = "tcp",
                 const char* owner = "dns/server") {
  return {.host_ip = ip, .port = port, .protocol = protocol, .owner = owner};
}

INSTANTIATE_TEST_SUITE_P(
    All, FixedPorts,
    ::testing::Values(
        Clash{"SameAddress", owned("127.0.0.1", 53), "127.0.0.1", 53, "tcp", true},
        Clash{"WildcardOfTheOther", owned("", 53), "127.0.0.1", 53, "tcp", true},
        Clash{"ZeroWildcardOfTheOther", owned("0.0.0.0", 53), "127.0.0.1", 53, "tcp", true},
        Clash{"OwnWildcard", owned("127.0.0.1", 53), "", 53, "tcp", true},
        Clash{"BothWildcards", owned("", 53), "0.0.0.0", 53, "tcp", true},
        Clash{"OtherAddress", owned("127.0.0.2", 53), "127.0.0.1", 53, "tcp", false},
        Clash{"OtherProtocol", owned("127.0.0.1", 53, "udp"), "127.0.0.1", 53, "tcp", false},
        Clash{"OtherNumber", owned("127.0.0.1", 54), "127.0.0.1", 53, "tcp", false},
        Clash{"Own", owned("127.0.0.1", 53, "tcp", "mcq/worker"), "127.0.0.1", 53, "tcp", false},
        Clash{"NameThatOnlyBeginsAlike", owned("127.0.0.1", 53, "tcp", "mcq2/api"), "127.0.0.1", 53,
              "tcp", true}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(FixedPortRanges, EveryPortOfTheRangeCounts) {
  const model::Service service = with_port("127.0.0.1", 9000, "tcp", 3);

  EXPECT_THAT(check_fixed_ports(service, {owned("127.0.0.1", 9002)}),
              failed_saying(Code::kConflict, "9002/tcp belongs to dns/server"));
  EXPECT_THAT(check_fixed_ports(service, {owned("127.0.0.1", 9003)}), ok());
  EXPECT_THAT(check_fixed_ports(service, {owned("127.0.0.1", 8999)}), ok());
}

}  // namespace
}  // namespace mcp::agent
