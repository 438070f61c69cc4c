// HTTP/2 without a socket: what is written, and what any octets from a server lead to.
#include "mcns/forward/http2_asker.h"

#include <gmock/gmock.h>

#include "support/result_matchers.h"

namespace mcns {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;
using testing::HasSubstr;
using testing::IsEmpty;

Bytes frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const Bytes& payload) {
  Bytes out{static_cast<char>(payload.size() >> 16U), static_cast<char>(payload.size() >> 8U),
            static_cast<char>(payload.size()), static_cast<char>(type), static_cast<char>(flags)};
  for (const unsigned shift : {24u, 16u, 8u, 0u}) {
    out += static_cast<char>((stream >> shift) & 0xffU);
  }
  return out + payload;
}

constexpr std::uint8_t kData = 0;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kSettings = 4;
constexpr std::uint8_t kPing = 6;
constexpr std::uint8_t kGoaway = 7;
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;

// HPACK (RFC 7541): ":status: 200" is in the static table; a literal type behind it.
Bytes ok_headers(const std::string& type = "application/dns-message") {
  return Bytes("\x88\x0f\x10", 3) + static_cast<char>(type.size()) + type;
}

class Http2AskerTest : public testing::Test {
 protected:
  Http2AskerTest() { asker_.receive(frame(kSettings, 0, 0, {})); }
  Bytes produced() {
    Bytes out;
    asker_.produce(out);
    return out;
  }

  Http2Asker asker_{{.authority = "dns.example.test", .path = "/dns-query"}};
};

TEST_F(Http2AskerTest, TheMessageIsInTheRequest) {
  const std::int32_t id = require_ok(asker_.ask("a whole query"));

  EXPECT_EQ(id, 1);
  const Bytes out = produced();
  EXPECT_THAT(out, testing::StartsWith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  EXPECT_THAT(out, HasSubstr("a whole query"));
}

TEST_F(Http2AskerTest, ABodyInPiecesIsOneMessage) {
  const auto id = static_cast<std::uint32_t>(require_ok(asker_.ask("query")));
  (void)produced();
  const Bytes answer = frame(kHeaders, kEndHeaders, id, ok_headers()) + frame(kData, 0, id, "an ") +
                       frame(kData, kEndStream, id, "answer");

  for (const char octet : answer) {
    asker_.receive({&octet, 1});
  }

  const auto done = asker_.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].message, "an answer");
  EXPECT_THAT(asker_.take_done(), IsEmpty());
}

TEST_F(Http2AskerTest, ABodyWithoutEndIsCutOff) {
  const auto id = static_cast<std::uint32_t>(require_ok(asker_.ask("query")));
  (void)produced();
  asker_.receive(frame(kHeaders, kEndHeaders, id, ok_headers()));
  for (int i = 0; i < 5; ++i) {
    asker_.receive(frame(kData, 0, id, Bytes(16000, 'x')));
    (void)produced();
  }

  const auto done = asker_.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].message, std::nullopt);
  EXPECT_THAT(done[0].why, HasSubstr("longer"));
}

TEST_F(Http2AskerTest, WhatIsCancelledIsNotTold) {
  const auto id = require_ok(asker_.ask("query"));
  (void)produced();
  asker_.cancel(id);
  (void)produced();
  asker_.receive(
      frame(kHeaders, kEndHeaders | kEndStream, static_cast<std::uint32_t>(id), ok_headers()));

  EXPECT_THAT(asker_.take_done(), IsEmpty());
  EXPECT_EQ(asker_.failure(), "");
}

TEST_F(Http2AskerTest, AfterAGoawayNothingIsTakenAndTheLaterOnesAreUnseen) {
  (void)require_ok(asker_.ask("first"));
  (void)require_ok(asker_.ask("second"));
  (void)produced();

  asker_.receive(frame(kGoaway, 0, 0, Bytes("\0\0\0\1\0\0\0\0", 8)));

  EXPECT_FALSE(asker_.takes_more());
  EXPECT_THAT(asker_.ask("third"), failed_with(dsl::Code::kUnavailable));
  const auto done = asker_.take_done();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_EQ(done[0].stream, 3);
  EXPECT_TRUE(done[0].unseen);
}

TEST_F(Http2AskerTest, WhatIsNoHttp2EndsIt) {
  asker_.receive("HTTP/1.1 400 Bad Request\r\n\r\n");
  (void)produced();  // good-bye

  EXPECT_NE(asker_.failure(), "");
  EXPECT_FALSE(asker_.takes_more());
  EXPECT_THAT(asker_.ask("query"), failed_with(dsl::Code::kUnavailable));
}

// CVE-2019-9512, CVE-2019-9515.
TEST_F(Http2AskerTest, AFloodOfPingsEndsIt) {
  Bytes flood;
  for (int i = 0; i < 1000; ++i) {
    flood += frame(kPing, 0, 0, Bytes(8, 'x'));
  }
  asker_.receive(flood);
  Bytes out;
  asker_.produce(out);

  EXPECT_LE(out.size(), 64u << 10);
  EXPECT_NE(asker_.failure(), "");
}

}  // namespace
}  // namespace mcns
