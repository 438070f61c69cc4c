#include "dsl/rpc/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/echo_service.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;

class LastMessage final : public MessageSink {
 public:
  Result<void> write(const Message& message) override {
    text_ = static_cast<const EchoReply&>(message).text();
    return {};
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class ChainTest : public testing::Test {
 protected:
  // One call of EchoService over TCP with this token.
  Result<void> call(const std::string& method, const std::string& token,
                    const std::string& bytes = "\x0a\x02hi",
                    env::MonoTime deadline = env::MonoTime::max()) {
    const Chain chain = require_ok(Chain::create(service_.table(), gates_));
    CallStart start;
    start.method = "dsl.rpc.test.EchoService." + method;
    start.request_id = "r";
    start.peer.address = "127.0.0.1:5";
    start.peer.token = token;
    start.deadline = deadline;
    ActiveCall active(env::system_env().clock(), std::move(start));
    const Route* route = chain.find(active.method());
    return chain.run(
        active, *route,
        [&](Message& request) -> Result<void> {
          if (!request.ParseFromString(bytes)) {
            return fail(Code::kInvalidArgument, "cannot be read");
          }
          return {};
        },
        sink_);
  }

  EchoService service_;
  Chain::Gates gates_{authenticate, nullptr, nullptr, {}};
  LastMessage sink_;
};

TEST_F(ChainTest, AnUnknownCallerReachesPublicMethodsOnly) {
  for (const char* method : {"Echo", "System", "Admin", "Policy"}) {
    EXPECT_THAT(call(method, ""), failed_with(Code::kUnauthenticated)) << method;
    EXPECT_THAT(call(method, "stolen"), failed_with(Code::kUnauthenticated)) << method;
  }
  EXPECT_EQ(service_.echoed, 0);
  EXPECT_THAT(call("Public", ""), ok());
}

TEST_F(ChainTest, EachLevelLetsInWhomItSays) {
  struct Row {
    const char* method;
    const char* token;
    bool allowed;
  };
  for (const Row& row : std::initializer_list<Row>{{"Public", "guest", true},
                                                   {"Echo", "guest", false},
                                                   {"Echo", "secret", true},
                                                   {"Echo", "system", true},
                                                   {"Echo", "boss", true},
                                                   {"System", "guest", false},
                                                   {"System", "secret", false},
                                                   {"System", "system", true},
                                                   {"System", "boss", true},
                                                   {"Admin", "guest", false},
                                                   {"Admin", "secret", false},
                                                   {"Admin", "system", false},
                                                   {"Admin", "boss", true}}) {
    const Result<void> result = call(row.method, row.token);
    EXPECT_EQ(result.has_value(), row.allowed) << row.method << " " << row.token;
    if (!row.allowed) {
      EXPECT_THAT(result, failed_with(Code::kPermissionDenied));
    }
  }
}

TEST_F(ChainTest, WithoutAPolicyAMethodThatNeedsOneIsDeniedToAll) {
  EXPECT_THAT(call("Policy", "boss"), failed_with(Code::kPermissionDenied));
}

TEST_F(ChainTest, ThePolicySeesCallerAndRequest) {
  gates_.policy = [](const CallContext& context, const Message& request) -> Result<void> {
    const auto& echo = static_cast<const EchoRequest&>(request);
    if (context.caller().subject == "secret" && echo.text() == "hi") {
      return {};
    }
    return fail(Code::kPermissionDenied, "rule 7");
  };

  EXPECT_THAT(call("Policy", "boss"), failed_saying(Code::kPermissionDenied, "rule 7"));
  EXPECT_THAT(call("Policy", "secret", "\x0a\x02ho"), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(call("Policy", "secret"), ok());
}

TEST_F(ChainTest, BytesThatDoNotParseNeverReachThePolicy) {
  gates_.policy = [](const CallContext&, const Message&) -> Result<void> {
    ADD_FAILURE() << "the policy saw a broken request";
    return {};
  };

  EXPECT_THAT(call("Policy", "boss", "\xff"), failed_with(Code::kInvalidArgument));
}

TEST_F(ChainTest, ASealedServiceAnswersOnlyWhatMayBeCalledSealed) {
  gates_.sealed = [] { return true; };

  EXPECT_THAT(call("Echo", "secret"), failed_with(Code::kSealed));
  EXPECT_THAT(call("Echo", ""), failed_with(Code::kUnauthenticated));  // tells a stranger nothing
  EXPECT_THAT(call("Public", ""), ok());
  EXPECT_EQ(service_.echoed, 1);
}

TEST_F(ChainTest, ADeniedCallerLearnsNothingAboutHisRequest) {
  EXPECT_THAT(call("Echo", "guest", "\xff"), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(call("Echo", "secret", "\xff"),
              failed_saying(Code::kInvalidArgument, "cannot be read"));
}

TEST_F(ChainTest, ChecksRunBeforeTheHandler) {
  EXPECT_THAT(call("Checked", "secret", ""),
              failed_saying(Code::kInvalidArgument, "service is required"));
}

TEST_F(ChainTest, ACallWhoseTimeIsUpIsNotStarted) {
  EXPECT_THAT(call("Echo", "secret", "", env::MonoTime::min()),
              failed_with(Code::kDeadlineExceeded));
  EXPECT_EQ(service_.echoed, 0);
}

TEST_F(ChainTest, AThrowingHandlerIsAnInternalErrorThatSaysNothingOfIt) {
  const Result<void> result = call("Fail", "secret", "\x0a\x05throw");

  ASSERT_THAT(result, failed_saying(Code::kInternal, "look for request id r"));
  EXPECT_EQ(result.error().render().find("cheese"), std::string::npos);
}

TEST_F(ChainTest, AGoodCallIsAnswered) {
  EXPECT_THAT(call("Echo", "secret"), ok());
  EXPECT_EQ(sink_.text(), "hi");
}

TEST_F(ChainTest, ARefusedChangeIsToldToTheAuditWithItsCaller) {
  std::vector<std::string> refused;
  gates_.audit.refused = [&](const CallContext& context, const Error& error) {
    refused.push_back(context.caller().subject + ": " + error.message());
  };

  EXPECT_THAT(call("Admin", "secret"), failed_with(Code::kPermissionDenied));
  EXPECT_THAT(call("Admin", "boss", "\xff"), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(call("Echo", "guest"), failed_with(Code::kPermissionDenied));  // changes nothing
  EXPECT_THAT(refused,
              testing::ElementsAre("secret: secret may not call dsl.rpc.test.EchoService.Admin",
                                   "boss: cannot be read"));
}

TEST_F(ChainTest, AChangeThatCannotBeRecordedIsNotMade) {
  gates_.audit.begin = [](const CallContext&) -> Result<void> {
    return fail(Code::kNoSpace, "the audit is full");
  };

  EXPECT_THAT(call("Admin", "boss"), failed_with(Code::kNoSpace));
  EXPECT_EQ(service_.echoed, 0);
  EXPECT_THAT(call("Echo", "boss"), ok());
}

TEST(LocalAuthenticator, TrustsRootTheServiceAndItsGroupOnTheLocalSocketOnly) {
  const Authenticator plain = local_authenticator(850, "");
  Peer peer;
  peer.uid = 0;
  EXPECT_THAT(plain(peer), failed_with(Code::kUnauthenticated));
  peer.local = true;
  peer.uid = 4242;
  peer.gid = 4242;
  EXPECT_THAT(plain(peer), failed_saying(Code::kPermissionDenied, "uid 4242"));
  EXPECT_THAT(local_authenticator(850, "no-such-group")(peer),
              failed_with(Code::kPermissionDenied));
  for (const std::uint32_t uid : {0u, 850u}) {
    peer.uid = uid;
    const Caller caller = require_ok(plain(peer));
    EXPECT_TRUE(caller.has_role("admin"));
    EXPECT_EQ(caller.via, "local");
    EXPECT_EQ(caller.subject, text("uid:{}", uid));
  }
}

TEST(LocalAuthenticator, AMemberOfTheGroupIsAdmin) {
  Peer peer;
  peer.local = true;
  peer.uid = 4242;
  peer.gid = 0;  // group root, in every user database

  EXPECT_THAT(local_authenticator(850, "root")(peer), ok());
  peer.gid = 4242;
  EXPECT_THAT(local_authenticator(850, "root")(peer), failed_with(Code::kPermissionDenied));
}

}  // namespace
}  // namespace dsl::rpc::test
