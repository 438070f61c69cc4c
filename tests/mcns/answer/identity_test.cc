// What a server says of itself in class CH (RFC 4892).
#include <gtest/gtest.h>

#include "mcns/answer/answer.h"
#include "mcns/answer/asking.h"
#include "mcns/zone/store.h"
#include "support/result_matchers.h"

namespace mcns {
namespace {

class Identity : public ::testing::Test {
 protected:
  test::Reply ask(std::uint16_t edns_size) {
    const zone::Pin version(reader_);
    const Name name = dsl::test::require_ok(Name::parse("id.server."));
    return test::ask(answerer_, *version,
                     {.question = {name, Type::kTxt, Class::kCh}, .edns_size = edns_size});
  }

  zone::Store store_;
  zone::Reader reader_{store_};
  Answerer answerer_{{.nsid = std::string(128, 'n'), .identity = std::string(300, 'i')}};
};

// RFC 6891 section 6.1.1.
TEST_F(Identity, AClientThatSpeaksEdnsIsAnsweredWithIt) {
  const test::Reply reply = ask(1232);

  ASSERT_EQ(reply.message.answers.size(), 1U);
  EXPECT_EQ(reply.message.answers[0].rdata, Bytes(1, '\xff') + Bytes(255, 'i'));
  ASSERT_TRUE(reply.message.edns);
  EXPECT_EQ(reply.message.edns->udp_size, 1232);
}

TEST_F(Identity, AClientThatDoesNotIsAnsweredWithout) {
  const test::Reply reply = ask(0);

  EXPECT_EQ(reply.message.answers.size(), 1U);
  EXPECT_FALSE(reply.message.edns);
}

}  // namespace
}  // namespace mcns
