#include "dsl/service/socket_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace dsl::service {
namespace {

using dsl::test::require_ok;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SocketMessage, WhatIsNoRequestIsRefused) {
  for (const std::string& packet :
       {std::string(), std::string("MCSK"), std::string("MCSK\x01"), std::string("GET / HTTP/1.1"),
        std::string("MCSK\x01\x02"), std::string("MCSK\x01\x01 "), std::string("mcsk\x01\x01")}) {
    const Result<void> asked = check_socket_request(packet);

    ASSERT_FALSE(asked) << packet;
    EXPECT_EQ(asked.error().code(), Code::kInvalidArgument) << packet;
  }
}

TEST(SocketMessage, AnotherVersionIsNamed) {
  for (const auto& refused : {check_socket_request("MCSK\x02\x01"),
                              Result<void>(read_socket_reply("MCSK\x02\x02").map([](auto&&) {}))}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kUnimplemented);
    EXPECT_THAT(refused.error().message(), HasSubstr("version 2"));
  }
}

TEST(SocketMessage, ReplyThatSaysMoreOrLessThanItHoldsIsRefused) {
  const std::string head("MCSK\x01\x02");
  for (const std::string& rest : {std::string(), std::string("\x01"),
                                  std::string("\x01\x03"
                                              "dn"),
                                  std::string("\x01\x00", 2),
                                  std::string("\x01\x03"
                                              "dnsx"),
                                  std::string("\x02\x03"
                                              "dns"),
                                  std::string("\x01\x03"
                                              "d s"),
                                  std::string("\x41")}) {
    EXPECT_FALSE(read_socket_reply(head + rest)) << rest;
  }
}

TEST(SocketMessage, SeveralSocketsMayShareAName) {
  const std::string packet = write_socket_reply({.names = {"dns", "dns", "api"}, .refusal = ""});

  const SocketReply reply = require_ok(read_socket_reply(packet));

  EXPECT_THAT(reply.names, ElementsAre("dns", "dns", "api"));
  EXPECT_THAT(reply.refusal, IsEmpty());
}

TEST(SocketMessage, RefusalIsPrintableAndBounded) {
  const std::string packet =
      write_socket_reply({.names = {}, .refusal = "taken\x1b[2J" + std::string(1000, 'x')});

  const SocketReply reply = require_ok(read_socket_reply(packet));

  EXPECT_EQ(reply.refusal.size(), kSocketRefusalMax);
  EXPECT_THAT(reply.refusal, HasSubstr("taken.[2J"));
}

TEST(SocketMessage, AsManyAsAComponentMayHaveFitOnePacket) {
  const std::vector<std::string> names(kHandedSocketsMax, std::string(kSocketNameMax, 'n'));

  const std::string packet = write_socket_reply({.names = names, .refusal = ""});

  EXPECT_LE(packet.size(), kSocketMessageMax);
  EXPECT_EQ(require_ok(read_socket_reply(packet)).names, names);
}

}  // namespace
}  // namespace dsl::service
