#include "mcp/agent/resolver_probe.h"

#include <gtest/gtest.h>

#include "mcp/boot/loopback_peer.h"
#include "support/result_matchers.h"

namespace mcp::agent::test {
namespace {

using boot::testing::LoopbackPeer;
using dsl::Code;
using dsl::test::failed_with;
using dsl::test::ok;

// The question itself, marked as a reply that refuses.
std::vector<std::string> refusal(std::string_view question) {
  std::string reply(question);
  reply[2] = static_cast<char>(0x81);
  reply[3] = 5;
  return {reply};
}

TEST(ResolverProbe, ANameIsNoAddress) {
  EXPECT_THAT(ask_resolver(dsl::env::system_env(), "dns.example"),
              failed_with(Code::kInvalidArgument));
}

TEST(ResolverProbe, NobodyThereIsSaidAtOnce) {
  EXPECT_THAT(ask_resolver(dsl::env::system_env(), "127.0.0.1", LoopbackPeer::dead_port().port),
              failed_with(Code::kUnavailable));
}

TEST(ResolverProbe, NoiseIsNoAnswer) {
  const auto peer = LoopbackPeer::udp([](std::string_view) {
    return std::vector<std::string>{"noise", std::string(40, 'x')};
  });

  EXPECT_THAT(ask_resolver(dsl::env::system_env(), "127.0.0.1", peer.endpoint().port),
              failed_with(Code::kDeadlineExceeded));
}

TEST(ResolverProbe, AnyReplyIsAnAnswerAlsoToTheSecondTry) {
  int asked = 0;
  const auto peer = LoopbackPeer::udp([&](std::string_view question) {
    return ++asked == 1 ? std::vector<std::string>{} : refusal(question);
  });

  EXPECT_THAT(ask_resolver(dsl::env::system_env(), "127.0.0.1", peer.endpoint().port), ok());
}

}  // namespace
}  // namespace mcp::agent::test
