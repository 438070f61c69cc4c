#include "dsl/rpc/api.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/client.h"
#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

Peer with_token(const std::string& token) {
  Peer peer;
  peer.token = token;
  return peer;
}

TEST(Api, WhatNoMethodDeclaresIsGuardedByTheSameLevels) {
  EchoService service;
  const auto api = make_api(service.table());

  EXPECT_THAT(api->admit(with_token("boss"), Level::kNobody, "GET /x"),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(api->admit(with_token(""), Level::kUser, "GET /x"),
              failed_with(Code::kUnauthenticated));
  EXPECT_THAT(api->admit(with_token("guest"), Level::kUser, "GET /x"),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(api->admit(with_token("secret"), Level::kSystem, "GET /x"),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(api->admit(with_token("secret"), Level::kAdmin, "GET /x"),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(api->admit(with_token("boss"), Level::kPolicy, "GET /x"),
              failed_with(Code::kPermissionDenied));
  EXPECT_THAT(api->admit(with_token(""), Level::kPublic, "GET /x"), ok());
  EXPECT_EQ(require_ok(api->admit(with_token("boss"), Level::kAdmin, "GET /x")).subject, "boss");
}

TEST(Api, OnlyAnIdThatIsFitForALogIsTaken) {
  EchoService service;
  const auto api = make_api(service.table());

  for (const std::string& bad : {std::string(), std::string(65, 'x'), std::string("a b"),
                                 std::string("a\nb"), std::string("\xff")}) {
    EXPECT_THAT(api->request_id(bad), testing::MatchesRegex("[0-9a-f]{16}")) << bad;
  }
  EXPECT_EQ(api->request_id("build-7.2_a"), "build-7.2_a");
}

TEST(Api, TheObserverSeesEveryCallOnceAndNoNameOfAStranger) {
  std::mutex mutex;
  std::vector<std::string> seen;
  ServedEcho echo;
  echo.api().observe([&](const CallDone& done) {
    const std::lock_guard lock(mutex);
    seen.push_back(text("{} {}", done.method.substr(done.method.rfind('.') + 1),
                        done.error == nullptr ? "ok" : code_info(done.error->code()).name));
  });
  const auto channel = Channel::open(echo.local());

  (void)channel->call<EchoReply>("evil.Service.Method", EchoRequest());
  (void)channel->call<EchoReply>("dsl.rpc.test.EchoService.Fail", EchoRequest());
  (void)channel->call<EchoReply>("dsl.rpc.test.EchoService.Echo", EchoRequest());

  const std::lock_guard lock(mutex);
  EXPECT_THAT(seen, testing::ElementsAre("unknown unimplemented", "Fail conflict", "Echo ok"));
}

TEST(Api, IsNotReadyOnceItIsDrained) {
  EchoService service;
  const auto api = make_api(service.table());
  EXPECT_TRUE(api->ready());

  api->drain();

  EXPECT_FALSE(api->ready());
}

}  // namespace
}  // namespace dsl::rpc::test
