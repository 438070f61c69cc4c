#include "mcns/cli/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcns/cli/resolv_conf_text.h"
#include "support/result_matchers.h"

namespace mcns::cli {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Answered::Kind;

Message reply(Rcode rcode, const std::vector<std::string>& ipv4 = {}) {
  Message message;
  message.response = true;
  message.rcode = rcode;
  for (const std::string& octets : ipv4) {
    message.answers.push_back({.name = Name(), .type = Type::kA, .rdata = octets});
  }
  return message;
}

Answered way(const std::string& name, bool ours, Kind kind, std::set<std::string> addresses = {}) {
  return {.way = name, .ours = ours, .kind = kind, .addresses = std::move(addresses)};
}

std::vector<std::string> severities(const std::vector<pb::Finding>& findings) {
  std::vector<std::string> out;
  for (const pb::Finding& finding : findings) {
    out.push_back(finding.severity());
  }
  return out;
}

TEST(Survey, AnAnswerIsItsAddressesOrWhyThereAreNone) {
  const std::string octets("\xc0\x00\x02\x07", 4);
  const Answered both =
      answered("udp", true, reply(Rcode::kNoError, {octets}), reply(Rcode::kNoError));
  EXPECT_EQ(both.kind, Kind::kAddresses);
  EXPECT_THAT(both.addresses, ElementsAre("192.0.2.7"));

  const auto kind = [](const Result<Message>& message) {
    return answered("udp", true, message, message).kind;
  };
  EXPECT_EQ(kind(reply(Rcode::kNoError)), Kind::kNoAddress);
  EXPECT_EQ(kind(reply(Rcode::kNxDomain)), Kind::kNoSuchName);
  EXPECT_EQ(kind(reply(Rcode::kRefused)), Kind::kRefused);
  EXPECT_EQ(kind(reply(Rcode::kServFail)), Kind::kFailed);
  EXPECT_EQ(kind(fail(Code::kDataLoss, "garbage")), Kind::kFailed);
  EXPECT_EQ(kind(fail(Code::kDeadlineExceeded, "late")), Kind::kSilent);
  EXPECT_EQ(kind(fail(Code::kUnavailable, "refused")), Kind::kSilent);
}

TEST(Survey, WhoeverDoesNotSayWhatWeSayIsNamedWithAReason) {
  const auto findings =
      judge("www.example.test",
            {way("udp ours", true, Kind::kAddresses, {"192.0.2.7"}),
             way("tcp ours", true, Kind::kAddresses, {"192.0.2.7"}),
             way("udp other", false, Kind::kNoSuchName),
             way("udp stale", false, Kind::kAddresses, {"192.0.2.6"}),
             way("udp gone", false, Kind::kSilent), way("udp closed", false, Kind::kRefused),
             way("udp broken", false, Kind::kFailed),
             way("getaddrinfo", false, Kind::kAddresses, {"127.0.1.1"})});

  EXPECT_THAT(severities(findings),
              ElementsAre("ok", "ok", "fail", "fail", "fail", "fail", "fail", "fail"));
  EXPECT_THAT(findings[2].fix(), HasSubstr("does not ask this name service"));
  EXPECT_THAT(findings[3].fix(), HasSubstr("older answer in its cache"));
  EXPECT_THAT(findings[4].fix(), HasSubstr("nobody listens there"));
  EXPECT_THAT(findings[5].fix(), HasSubstr("does not serve this client"));
  EXPECT_THAT(findings[6].fix(), HasSubstr("cannot find out"));
  EXPECT_THAT(findings[7].fix(), HasSubstr("nsswitch.conf"));
}

TEST(Survey, GetaddrinfoDoesNotTellNothingFromNobody) {
  EXPECT_THAT(severities(judge("x", {way("udp ours", true, Kind::kNoAddress),
                                     way("getaddrinfo", false, Kind::kNoSuchName)})),
              ElementsAre("ok", "ok"));
}

TEST(Survey, WithoutAnAnswerOfOursThereIsNothingToCompareWith) {
  const auto findings = judge("x", {way("udp ours", true, Kind::kSilent),
                                    way("udp other", false, Kind::kAddresses, {"192.0.2.1"})});

  EXPECT_THAT(severities(findings), ElementsAre("fail", "fail", "warn"));
  EXPECT_THAT(findings[0].finding(), HasSubstr("does not answer"));
}

TEST(Survey, ASocketOfOursThatSaysSomethingElseIsOutvoted) {
  EXPECT_THAT(severities(judge("x", {way("udp a", true, Kind::kAddresses, {"192.0.2.1"}),
                                     way("udp b", true, Kind::kAddresses, {"192.0.2.2"}),
                                     way("tcp b", true, Kind::kAddresses, {"192.0.2.2"})})),
              ElementsAre("fail", "ok", "ok"));
}

TEST(Survey, ServersAreReadOfResolvConf) {
  EXPECT_THAT(resolv_conf_servers("# nameserver 1.1.1.1\nnameserver 192.0.2.1\n"
                                  "nameserver\t2001:db8::1 \nnameservers 9.9.9.9\nnameserver\n"
                                  "search example.test\nnameserver 192.0.2.2 # comment"),
              ElementsAre("192.0.2.1", "2001:db8::1", "192.0.2.2"));
}

// --- resolv-conf ---

const Resolvers kResolvers{{"192.0.2.53"}, {"9.9.9.9", "1.1.1.1"}, "svc.test"};

TEST(ResolvConf, EachFormEndsWithSomebodyElse) {
  EXPECT_EQ(resolv_conf_text("resolved", kResolvers),
            "# /etc/systemd/resolved.conf.d/mcns.conf\n"
            "# then: systemctl restart systemd-resolved\n"
            "[Resolve]\n"
            "DNS=192.0.2.53 9.9.9.9 1.1.1.1\n"
            "# These servers, and not those that DHCP gives, for every name.\n"
            "Domains=svc.test ~.\n");
  EXPECT_EQ(resolv_conf_text("resolv.conf", kResolvers),
            "# /etc/resolv.conf: asked in this order, the next when one does not answer\n"
            "nameserver 192.0.2.53\nnameserver 9.9.9.9\nnameserver 1.1.1.1\n"
            "search svc.test\noptions timeout:1 attempts:2\n");
  EXPECT_THAT(resolv_conf_text("nixos", kResolvers),
              HasSubstr("networking.nameservers = [ \"192.0.2.53\" \"9.9.9.9\" \"1.1.1.1\" ];"));
}

// glibc reads three servers: of many of ours the fallback still has to be one of them.
TEST(ResolvConf, TheFallbackIsNeverBeyondWhatGlibcReads) {
  const Resolvers many{{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}, {"9.9.9.9"}, ""};

  const std::string text = resolv_conf_text("resolv.conf", many);

  EXPECT_THAT(resolv_conf_servers(text), ElementsAre("192.0.2.1", "192.0.2.2", "9.9.9.9"));
}

TEST(ResolvConf, WhatWouldLeaveAClientWithoutNamesIsRefused) {
  EXPECT_THAT(check_resolvers(kResolvers), ok());
  EXPECT_THAT(check_resolvers({{}, {"9.9.9.9"}, ""}), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_resolvers({{"192.0.2.53"}, {}, ""}),
              failed_saying(Code::kInvalidArgument, "--fallback"));
  EXPECT_THAT(check_resolvers({{"192.0.2.53"}, {"192.0.2.53"}, ""}),
              failed_saying(Code::kInvalidArgument, "itself"));
  EXPECT_THAT(check_resolvers({{"ns1.example.test"}, {"9.9.9.9"}, ""}),
              failed_saying(Code::kInvalidArgument, "is no address"));
}

}  // namespace
}  // namespace mcns::cli
