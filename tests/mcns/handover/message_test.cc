#include "mcns/handover/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::test::failed_with;
using dsl::test::require_ok;
using testing::HasSubstr;

TEST(HandoverMessage, CutAnywhereOrWithAnOctetMoreItIsRefused) {
  const std::string packet = encode({Kind::kUpgraded, {"1", "22", "", "4"}});

  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_THAT(decode(packet.substr(0, size)), failed_with(Code::kInvalidArgument)) << size;
  }
  EXPECT_THAT(decode(packet + "x"), failed_with(Code::kInvalidArgument));
}

TEST(HandoverMessage, OfAnotherVersionItIsRefusedWithTheWayOut) {
  std::string packet = encode({Kind::kTake, {"1"}});
  packet[4] = 2;

  const auto decoded = decode(packet);
  ASSERT_THAT(decoded, failed_with(Code::kInvalidArgument));
  EXPECT_THAT(decoded.error().message(), HasSubstr("version 2"));
  EXPECT_THAT(decoded.error().hint(), HasSubstr("stop the old process"));
}

TEST(HandoverMessage, AKindWithTextsThatAreNotItsOwnIsRefused) {
  EXPECT_THAT(decode(encode({Kind::kReady, {"1"}})), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(decode(encode({Kind::kRefused, {"1"}})), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(decode(encode({static_cast<Kind>(0), {}})), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(decode(encode({static_cast<Kind>(99), {}})), failed_with(Code::kInvalidArgument));
}

TEST(HandoverMessage, IsReadAsItWasWritten) {
  for (const Message& message : {Message{Kind::kTake, {"v1.2"}}, Message{Kind::kReady, {}},
                                 Message{Kind::kSockets, std::vector<std::string>(128, "dns")},
                                 Message{Kind::kRefused, {"no", std::string(300, 'h')}}}) {
    EXPECT_EQ(require_ok(decode(encode(message))), message);
  }
}

TEST(HandoverMessage, ATextThatIsTooLongIsCut) {
  const Message message{Kind::kTake, {std::string(kTextMax + 1, 'x')}};

  EXPECT_EQ(require_ok(decode(encode(message))).texts.at(0), std::string(kTextMax, 'x'));
}

}  // namespace
}  // namespace mcns::handover
