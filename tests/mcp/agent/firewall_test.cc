#include "mcp/agent/firewall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> dropped(const Firewall& rules) {
  std::vector<std::string> out;
  for (const WantedPort& port : rules.dropped({{"192.0.2.7", 53, "udp", "mcns"},
                                               {"192.0.2.7", 53, "tcp", "mcns"},
                                               {"", 8443, "tcp", "proxy"}})) {
    out.push_back(dsl::text("{}/{}", port.port, port.protocol));
  }
  return out;
}

Firewall nft(const std::string& policy, const std::string& rules) {
  return require_ok(Firewall::from_nft(
      R"({"nftables":[{"set":{"family":"inet","table":"f","name":"open","elem":[53,8443]}},)"
      R"({"chain":{"family":"inet","table":"f","name":"sub"}},)"
      R"({"chain":{"family":"inet","table":"f","name":"in","type":"filter","hook":"input",)"
      R"("policy":")" +
      policy + "\"}}" + rules + "]}"));
}

std::string rule(const std::string& expressions, const std::string& chain = "in") {
  return R"(,{"rule":{"family":"inet","table":"f","chain":")" + chain + R"(","expr":[)" +
         expressions + "]}}";
}

std::string dport(const std::string& protocol, const std::string& right) {
  return R"({"match":{"op":"==","left":{"payload":{"protocol":")" + protocol +
         R"(","field":"dport"}},"right":)" + right + "}}";
}

const std::string kAccept = R"({"accept":null})";
const std::string kDrop = R"({"drop":null})";
const std::string kEstablished =
    R"({"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}})";
const std::string kLoopback =
    R"({"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"lo"}})";
const std::string kFromOverlay =
    R"({"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"overlay0"}})";

TEST(Firewall, WhatIsNoRulesetIsRefused) {
  EXPECT_THAT(Firewall::from_nft("no json"), failed_with(dsl::Code::kInvalidArgument));
  EXPECT_THAT(Firewall::from_nft("[]"), failed_with(dsl::Code::kInvalidArgument));
  EXPECT_THAT(dropped(Firewall::from_iptables("gibberish\n-A\n-P\n")), IsEmpty());
}

TEST(Firewall, AnAcceptingPolicyDropsNothing) {
  EXPECT_THAT(dropped(nft("accept", "")), IsEmpty());
  EXPECT_THAT(dropped(Firewall::from_iptables("-P INPUT ACCEPT\n")), IsEmpty());
}

TEST(Firewall, ADroppingPolicyDropsWhatNoRuleLetsIn) {
  const std::string rules = rule(kEstablished + "," + kAccept) + rule(kLoopback + "," + kAccept) +
                            rule(dport("udp", "53") + "," + kAccept);

  EXPECT_THAT(dropped(nft("drop", rules)), ElementsAre("53/tcp", "8443/tcp"));
}

TEST(Firewall, SetsRangesMapsAndJumpsAreFollowed) {
  EXPECT_THAT(dropped(nft("drop", rule(dport("th", "\"@open\"") + "," + kAccept))), IsEmpty());
  EXPECT_THAT(dropped(nft("drop", rule(dport("tcp", R"({"set":[{"range":[8000,9000]}]})") + "," +
                                       kAccept))),
              ElementsAre("53/udp", "53/tcp"));
  EXPECT_THAT(dropped(nft("drop", rule(R"({"vmap":{"key":{"payload":{"protocol":"tcp",)"
                                       R"("field":"dport"}},"data":{"set":[[53,{"accept":null}],)"
                                       R"([8443,{"jump":{"target":"sub"}}]]}}})") +
                                      rule(kAccept, "sub"))),
              ElementsAre("53/udp"));
}

TEST(Firewall, ARuleThatDependsOnThePeerLetsIn) {
  EXPECT_THAT(dropped(nft("drop", rule(kFromOverlay + "," + kAccept))), IsEmpty());
  EXPECT_THAT(dropped(nft("accept", rule(kFromOverlay + "," + kDrop))), IsEmpty());
  EXPECT_THAT(dropped(nft("accept", rule(dport("tcp", "8443") + "," + kDrop))),
              ElementsAre("8443/tcp"));
}

TEST(Firewall, IptablesRulesAreRead) {
  const Firewall rules = Firewall::from_iptables(
      "-P INPUT DROP\n-P FORWARD DROP\n-N services\n"
      "-A INPUT -i lo -j ACCEPT\n"
      "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
      "-A INPUT -j services\n"
      "-A INPUT -j REJECT --reject-with icmp-port-unreachable\n"
      "-A services -d 192.0.2.7/32 -p udp -m udp --dport 53 -j ACCEPT\n"
      "-A services -p tcp -m multiport --dports 80,8000:9000 -j ACCEPT\n");

  EXPECT_THAT(dropped(rules), ElementsAre("53/tcp"));
  EXPECT_EQ(rules.command_for({"", 53, "tcp", ""}),
            "iptables -I INPUT -p tcp --dport 53 -j ACCEPT");
}

TEST(Firewall, ChainsThatCallEachOtherEnd) {
  const Firewall rules =
      Firewall::from_iptables("-P INPUT DROP\n-A INPUT -j a\n-A a -j b\n-A b -j a\n");

  EXPECT_THAT(dropped(rules), ElementsAre("53/udp", "53/tcp", "8443/tcp"));
}

}  // namespace
}  // namespace mcp::agent::test
