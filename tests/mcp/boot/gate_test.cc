#include "mcp/boot/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_env.h"

namespace mcp::boot {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> endpoints(const model::Component& component,
                                   const std::vector<model::Allocation>& allocations = {}) {
  std::vector<std::string> shown;
  for (const Endpoint& endpoint : gate_for({}, component, allocations, "").endpoints) {
    shown.push_back(endpoint.ip + " " + std::to_string(endpoint.port));
  }
  return shown;
}

model::Component component_with(const std::string& type, const std::vector<model::Port>& ports) {
  model::Component component;
  component.name = "api";
  component.health.type = type;
  component.ports = ports;
  return component;
}

TEST(GateFor, DnsAsksEveryPublishedAddressOnce) {
  auto component = component_with(
      "dns", {{.host_ip = "192.168.88.181", .host = 53, .container = 53, .protocol = "udp"},
              {.host_ip = "192.168.88.181", .host = 53, .container = 53, .protocol = "tcp"},
              {.host_ip = "100.95.252.120", .host = 1053, .container = 53, .protocol = "udp"},
              {.host_ip = "", .host = 38080, .container = 8080}});

  EXPECT_THAT(endpoints(component), ElementsAre("192.168.88.181 53", "100.95.252.120 1053"));
  component.health.port = 53;
  EXPECT_THAT(endpoints(component), ElementsAre("192.168.88.181 53", "100.95.252.120 1053"));
}

TEST(GateFor, SocketIsAskedAsAPublishedPortIs) {
  auto component = component_with("dns", {});
  component.sockets = {{"dns", "udp", "192.168.88.181", 20053, 53},
                       {"dns", "tcp", "192.168.88.181", 20053, 53},
                       {"dns", "udp", "::", 20053, 53}};

  EXPECT_THAT(endpoints(component), ElementsAre("192.168.88.181 20053", "::1 20053"));
}

TEST(GateFor, ExplicitPortIsAHostPortOnItsPublishedAddress) {
  auto component =
      component_with("tcp", {{.host_ip = "192.0.2.1", .host = 100, .container = 200, .count = 10}});

  component.health.port = 105;
  EXPECT_THAT(endpoints(component), ElementsAre("192.0.2.1 105"));
  component.health.port = 9000;
  EXPECT_THAT(endpoints(component), ElementsAre("127.0.0.1 9000"));
}

TEST(GateFor, HttpsPrefersItsPortsOverTheFirst) {
  const auto component = component_with(
      "https", {{.host = 28080, .container = 8080}, {.host = 28443, .container = 8443}});

  EXPECT_THAT(endpoints(component), ElementsAre("127.0.0.1 28443"));
}

TEST(GateFor, AnyAddressIsProbedOnLoopback) {
  EXPECT_THAT(
      endpoints(component_with("tcp", {{.host_ip = "0.0.0.0", .host = 80, .container = 80}})),
      ElementsAre("127.0.0.1 80"));
  EXPECT_THAT(endpoints(component_with("tcp", {{.host_ip = "::", .host = 80, .container = 80}})),
              ElementsAre("::1 80"));
}

TEST(GateFor, AllocatedPortOfTheFittingRoute) {
  auto component = component_with("https", {});
  component.routes = {{.name = "web", .target = 8080}, {.name = "rest", .target = 8443}};

  const std::vector<model::Allocation> allocations = {
      {"web", "rest", 10001}, {"api", "web", 10002}, {"api", "rest", 10003}};

  EXPECT_THAT(endpoints(component, allocations), ElementsAre("127.0.0.1 10003"));
  component.health.type = "tcp";
  EXPECT_THAT(endpoints(component, allocations), ElementsAre("127.0.0.1 10002"));
}

TEST(GateFor, ExplicitTargetOfARouteIsItsAllocatedPort) {
  auto component = component_with("https", {});
  component.routes = {{.name = "web", .target = 8080}, {.name = "rest", .target = 8443}};
  component.health.port = 8080;

  EXPECT_THAT(endpoints(component, {{"api", "web", 10002}, {"api", "rest", 10003}}),
              ElementsAre("127.0.0.1 10002"));
}

TEST(GateFor, HostNameComesFromTheRoute) {
  auto component = component_with("https", {{.host = 8443, .container = 8443}});
  component.routes = {{.hostnames = {"mcq.svc.mcp.metacircular.net"}}};

  EXPECT_EQ(gate_for({}, component, {}, "/ca").health.host, "mcq.svc.mcp.metacircular.net");
  EXPECT_EQ(gate_for({}, component, {}, "/ca").ca_file, "/ca");
}

TEST(Probe, SaysThatThereIsNothingToProbe) {
  dsl::test::TestEnv env;
  const Gate gate = gate_for({}, component_with("tcp", {}), {}, "");

  const Answer answer = probe(env, gate, {});

  EXPECT_FALSE(answer.pass);
  EXPECT_EQ(answer.text, "tcp: no published port to probe: set health.port");
}

TEST(Probe, UnknownTypeFails) {
  dsl::test::TestEnv env;
  Gate gate;
  gate.health.type = "icmp";

  EXPECT_EQ(probe(env, gate, {}).text, "unknown gate \"icmp\"");
}

TEST(Probe, ExecPassesOnExitZeroAndTellsNoArguments) {
  dsl::test::TestEnv env;
  Gate gate;
  gate.health.type = "exec";
  gate.health.cmd = {"pg_isready", "--password=hunter2"};
  dsl::Result<int> exit_code = 2;
  GateHooks hooks;
  hooks.exec = [&](const auto&, milliseconds) { return exit_code; };

  EXPECT_EQ(probe(env, gate, hooks).text, "exec pg_isready: exit 2");
  exit_code = dsl::fail(dsl::Code::kUnavailable, "runtime not reachable");
  EXPECT_EQ(probe(env, gate, hooks).text, "exec pg_isready: runtime not reachable");
  exit_code = 0;
  EXPECT_TRUE(probe(env, gate, hooks).pass);
}

TEST(Probe, NonePassesOnceSettled) {
  dsl::test::TestEnv env;
  bool settled = false;
  GateHooks hooks;
  hooks.settled = [&] { return settled; };

  EXPECT_FALSE(probe(env, Gate{}, hooks).pass);
  settled = true;
  EXPECT_TRUE(probe(env, Gate{}, hooks).pass);
}

// A gate whose every probe is written down with its time, under a clock that moves by sleeping.
class WaitFor : public ::testing::Test {
 protected:
  WaitFor() {
    env_.manual_clock().sleep_by_itself();
    start_ = env_.clock().mono_now();
    gate_.health.type = "exec";
    gate_.health.cmd = {"check"};
    hooks_.exec = [this](const auto&, milliseconds) -> dsl::Result<int> { return look() ? 0 : 1; };
    hooks_.settled = [this] { return look(); };
  }

  long now() {
    return std::chrono::duration_cast<milliseconds>(env_.clock().mono_now() - start_).count();
  }
  bool look() {
    probes_.push_back(now());
    return passes_(now());
  }
  Answer wait() {
    return wait_for(env_, gate_, hooks_, [this] { return cancelled_(now()); });
  }

  dsl::test::TestEnv env_;
  dsl::env::MonoTime start_;
  Gate gate_;
  GateHooks hooks_;
  std::vector<long> probes_;
  std::function<bool(long)> passes_ = [](long) { return false; };
  std::function<bool(long)> cancelled_ = [](long) { return false; };
};

TEST_F(WaitFor, ProbesAfter50MsDoublingUpToTheInterval) {
  gate_.health.interval = milliseconds(300);
  gate_.health.deadline = milliseconds(1500);

  EXPECT_FALSE(wait().pass);

  EXPECT_THAT(probes_, ElementsAre(50, 150, 350, 650, 950, 1250, 1500));
}

TEST_F(WaitFor, StartPeriodDelaysGivingUp) {
  gate_.health.deadline = milliseconds(100);
  gate_.health.start_period = milliseconds(200);
  passes_ = [](long now) { return now >= 300; };

  EXPECT_TRUE(wait().pass);
}

TEST_F(WaitFor, NoneIsLookedAtOnceItsStartPeriodIsOver) {
  gate_.health.type = "none";
  gate_.health.start_period = milliseconds(3000);
  passes_ = [](long now) { return now >= 3100; };

  EXPECT_TRUE(wait().pass);

  EXPECT_THAT(probes_, ElementsAre(3000, 4000));
}

TEST_F(WaitFor, NoneWithoutAStartPeriodPassesAtOnce) {
  gate_.health.type = "none";
  passes_ = [](long) { return true; };

  EXPECT_TRUE(wait().pass);

  EXPECT_THAT(probes_, ElementsAre(0));
}

TEST_F(WaitFor, WantsSuccessesInARow) {
  gate_.health.successes = 3;
  gate_.health.interval = milliseconds(100);
  passes_ = [](long now) { return now != 250; };

  EXPECT_TRUE(wait().pass);

  EXPECT_THAT(probes_, ElementsAre(50, 150, 250, 350, 450, 550));
}

TEST_F(WaitFor, DeadlineWithTooFewSuccessesIsAFailure) {
  gate_.health.successes = 5;
  gate_.health.interval = milliseconds(100);
  gate_.health.deadline = milliseconds(300);
  passes_ = [](long) { return true; };

  const Answer answer = wait();

  EXPECT_FALSE(answer.pass);
  EXPECT_EQ(answer.text, "exec check: exit 0 (4 of 5 in a row)");
}

TEST_F(WaitFor, NoticesTheCancellationWithin100Ms) {
  gate_.health.interval = milliseconds(60000);
  cancelled_ = [](long now) { return now > 1000; };

  const Answer answer = wait();

  EXPECT_FALSE(answer.pass);
  EXPECT_EQ(answer.text, "exec check: exit 1");
  EXPECT_LE(now(), 1100);
}

TEST_F(WaitFor, CancelledBeforeTheFirstProbe) {
  cancelled_ = [](long) { return true; };

  EXPECT_EQ(wait().text, "exec: cancelled before the first probe");
  EXPECT_THAT(probes_, IsEmpty());
}

}  // namespace
}  // namespace mcp::boot
