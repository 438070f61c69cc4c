// Response rate limiting and cookies where they act: on the answers of a worker.
#include <array>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "dsl/env/socket_address.h"
#include "mcns/cache/messages.h"
#include "mcns/rdata/rdata.h"
#include "mcns/resolve/resolver.h"

namespace mcns {
namespace {

using test::a_record;
using test::Asked;
using test::name_of;
using test::response_to;
using test::soa_record;

constexpr std::int64_t kNow = 1'000'000;  // ms
constexpr int kRate = 5;
const std::string kStranger = "192.0.2.7:1000";
const std::string kClientCookie = "12345678";

// Nothing but the cache knows names of others.
class SilentForwarder : public Forwarder {
 public:
  dsl::Result<void> set_groups(std::vector<ForwardGroup>,
                               const std::vector<std::string>&) override {
    return {};
  }
  void ask(ForwardQuestion, std::function<void(const ForwardAnswer&)>) override {}
  std::vector<UpstreamState> upstreams() const override { return {}; }
  std::string group_of(const Name&) const override { return "."; }
  bool is_own_nonce(std::uint64_t) override { return false; }
  void set_stale_after(std::chrono::milliseconds) override {}
};

class LimitsTest : public ::testing::Test {
 protected:
  LimitsTest() {
    const Name origin = name_of("example.test.");
    Soa soa;
    soa.primary_ns = name_of("ns.example.test.");
    soa.admin_email = name_of("admin.example.test.");
    zone::Edit edit(zones_);
    edit.create(1, origin);
    edit.put(origin, {origin, Type::kSoa, 300, {soa.rdata()}});
    const Bytes address("\xc0\x00\x02\x01", 4);
    for (const char* name : {"www.example.test.", "mail.example.test.", "*.wild.example.test."}) {
      edit.put(origin, {name_of(name), Type::kA, 300, {address}});
    }
    edit.put(origin,
             {name_of("cut.example.test."), Type::kNs, 300, {name_of("ns.elsewhere.net.").wire()}});
    edit.put(
        origin,
        {name_of("old.example.test."), Type::kDname, 300, {name_of("wild.example.test.").wire()}});
    edit.put(origin, {name_of("alias.example.test."),
                      Type::kCname,
                      300,
                      {name_of("www.elsewhere.net.").wire()}});
    edit.publish();
    secrets_.publish(dsl::Secret::from(std::string(16, 'n')),
                     dsl::Secret::from(std::string(16, 'o')));
  }

  Resolver& resolver() {
    if (!resolver_) {
      resolver_ = std::make_unique<Resolver>(parts_, counters_);
    }
    return *resolver_;
  }
  Resolver::Handled handle(const Bytes& packet, const std::string& from = kStranger,
                           Transport transport = Transport::kUdp) {
    const zone::Pin version(reader_);
    const auto peer = dsl::test::require_ok(dsl::env::parse_socket_address(from));
    Resolver::read(*version, packet, read_);
    return resolver().handle(*version, read_, packet, peer.raw(), transport, kNow, buffer_.data(),
                             buffer_.size(), pending_);
  }
  Message reply(const Resolver::Handled& handled) const {
    return dsl::test::require_ok(Message::parse({buffer_.data(), handled.size}));
  }
  // How many of `count` questions for "<number><name>" are answered whole; the others are dropped.
  int answered(const std::string& name, bool numbered = false, int count = kRate + 3,
               const std::string& from = kStranger) {
    int out = 0;
    for (int i = 0; i < count; ++i) {
      const auto handled = handle(Asked(numbered ? std::to_string(i) + name : name).packet, from);
      out += handled.outcome == Resolver::Outcome::kReply ? 1 : 0;
    }
    return out;
  }
  static Bytes with_cookie(std::string_view cookie) {
    Message message = Asked::make("www.example.test.", Type::kA);
    message.edns = Edns{.options = {{kOptionCookie, Bytes(cookie)}}};
    return message.encode();
  }
  // The server's part of the cookie of a reply.
  static Bytes server_cookie(const Message& message) {
    if (!message.edns || message.edns->options.size() != 1 ||
        message.edns->options[0].code != kOptionCookie ||
        message.edns->options[0].data.substr(0, 8) != kClientCookie) {
      return "";
    }
    return message.edns->options[0].data.substr(8);
  }

  zone::Store zones_;
  zone::Reader reader_{zones_};
  std::unique_ptr<Cache> cache_ = Cache::make({.failure_ttl_s = 5}, 1);
  SilentForwarder forwarder_;
  cookie::SharedSecrets secrets_;
  ResolverParts parts_{
      .zones = zones_,
      .cache = *cache_,
      .forwarder = &forwarder_,
      .rules = ResolverRules{dsl::test::require_ok(Prefixes::parse({"any"})),
                             {.cookies = true, .keepalive = 100}},
      .cookies = &secrets_,
      .rrl = {.rate = kRate, .errors = 2, .slip = 0, .key = {1, 2, 3}},
      .rrl_exempt = dsl::test::require_ok(Prefixes::parse({"private"})),
  };
  Counters counters_;
  std::unique_ptr<Resolver> resolver_;
  mcns::Asked read_;
  Pending pending_;
  std::array<char, 65535> buffer_{};
};

TEST_F(LimitsTest, ANameIsAnsweredAtTheRateAndOthersAreNotHeldBack) {
  EXPECT_EQ(answered("www.example.test."), kRate);
  EXPECT_EQ(answered("mail.example.test."), kRate);

  EXPECT_EQ(counters_.rrl_dropped.value(), 6U);
  EXPECT_EQ(counters_.answers[0][0].value(), 2U * kRate) << "what was dropped was not sent";
}

TEST_F(LimitsTest, MadeUpNamesCountTogether) {
  EXPECT_EQ(answered(".example.test.", true), kRate) << "NXDOMAIN";
  EXPECT_EQ(answered(".wild.example.test.", true), kRate) << "a wildcard's";
  EXPECT_EQ(answered(".cut.example.test.", true), kRate) << "referrals";
  EXPECT_EQ(answered(".old.example.test.", true), kRate) << "a DNAME's";
}

TEST_F(LimitsTest, RateZeroIsOff) {
  parts_.rrl.rate = 0;

  EXPECT_EQ(answered("www.example.test.", false, 500), 500);
}

TEST_F(LimitsTest, WhoIsExemptIsNeverLimited) {
  EXPECT_EQ(answered("www.example.test.", false, 500, "10.1.2.3:1000"), 500);
  EXPECT_EQ(answered("www.example.test.", false, 500, "[::ffff:127.0.0.1]:1000"), 500);
}

TEST_F(LimitsTest, WhatComesByTcpIsNeverLimited) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(handle(Asked("www.example.test.").packet, kStranger, Transport::kTcp).outcome,
              Resolver::Outcome::kReply);
  }
}

TEST_F(LimitsTest, AValidCookieIsNeverLimitedAndAnotherIs) {
  const Bytes learned = server_cookie(reply(handle(with_cookie(kClientCookie))));
  ASSERT_EQ(learned.size(), cookie::kServerSize);

  for (int i = 0; i < 100; ++i) {
    const auto handled = handle(with_cookie(kClientCookie + learned));
    ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
    EXPECT_EQ(server_cookie(reply(handled)), learned);
  }
  int forged = 0;
  for (int i = 0; i < 100; ++i) {
    forged +=
        handle(with_cookie(kClientCookie + Bytes(16, 'x'))).outcome == Resolver::Outcome::kReply
            ? 1
            : 0;
  }
  EXPECT_EQ(forged, kRate - 1) << "one went to learn the cookie";
  EXPECT_EQ(handle(with_cookie(kClientCookie + learned), "192.0.2.8:1000").outcome,
            Resolver::Outcome::kDrop)
      << "it is of another address";
}

TEST_F(LimitsTest, ALimitedAnswerThatSlipsThroughHasNoRecordsAndTheCookie) {
  parts_.rrl.slip = 1;
  EXPECT_EQ(answered("www.example.test.", false, kRate), kRate);

  Message plain = Asked::make("www.example.test.", Type::kA);
  plain.edns = Edns{};
  const auto cut = handle(plain.encode());
  ASSERT_EQ(cut.outcome, Resolver::Outcome::kReply);
  EXPECT_LE(cut.size, plain.encode().size());
  EXPECT_TRUE(reply(cut).truncated);
  EXPECT_EQ(reply(cut).rcode, Rcode::kNoError);

  // RFC 7873 section 5.2.3: who speaks cookies learns his.
  const Bytes asked = with_cookie(kClientCookie);
  const auto handled = handle(asked);
  ASSERT_EQ(handled.outcome, Resolver::Outcome::kReply);
  EXPECT_LE(handled.size, asked.size() + cookie::kServerSize);
  const Message said = reply(handled);
  EXPECT_FALSE(said.truncated);
  EXPECT_EQ(said.rcode, Rcode::kBadCookie);
  EXPECT_EQ(said.answers.size() + said.authorities.size() + said.additionals.size(), 0U);
  EXPECT_EQ(said.questions.size(), 1U);
  EXPECT_EQ(server_cookie(said).size(), cookie::kServerSize);
  EXPECT_EQ(counters_.rrl_slipped.value(), 2U);
  EXPECT_EQ(counters_.answers[0][static_cast<std::size_t>(Rcode::kBadCookie)].value(), 1U);

  const auto again = handle(with_cookie(kClientCookie + server_cookie(said)));
  EXPECT_EQ(reply(again).rcode, Rcode::kNoError);
  EXPECT_EQ(reply(again).answers.size(), 1U);
}

// Without a slip nothing is sent, whatever the client speaks: an answer may go to somebody else.
TEST_F(LimitsTest, WhatIsDroppedIsDroppedWithACookieToo) {
  EXPECT_EQ(answered("www.example.test.", false, kRate), kRate);
  EXPECT_EQ(handle(with_cookie(kClientCookie)).outcome, Resolver::Outcome::kDrop);
}

TEST_F(LimitsTest, WhatIsLimitedIsToldOf) {
  QueryEvents events(dsl::env::system_env().clock());
  parts_.events = &events;
  parts_.rrl.slip = 2;
  QueryEvents::Subscription watcher(events);
  for (int i = 0; i < kRate + 2; ++i) {
    (void)handle(Asked("www.example.test.").packet);
  }

  const auto told = watcher.take(std::chrono::milliseconds(0));
  ASSERT_EQ(told.size(), static_cast<std::size_t>(kRate) + 2);
  EXPECT_EQ(told[kRate - 1].limited, "");
  EXPECT_EQ(told[kRate].limited, "dropped");
  EXPECT_EQ(told[kRate].name.text(), "www.example.test.");
  EXPECT_EQ(told[kRate + 1].limited, "slipped");
  resolver_.reset();  // before what it tells
}

TEST_F(LimitsTest, ErrorsOfAllKindsCountTogether) {
  Message chaos = Asked::make("id.server.", Type::kTxt);
  chaos.questions[0].dns_class = Class::kCh;
  Bytes two_questions = Asked("www.example.test.").packet;
  two_questions[5] = 2;

  EXPECT_EQ(handle(chaos.encode()).outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(handle(two_questions).outcome, Resolver::Outcome::kReply);
  EXPECT_EQ(handle(chaos.encode()).outcome, Resolver::Outcome::kDrop);
  EXPECT_EQ(handle(two_questions).outcome, Resolver::Outcome::kDrop);
  EXPECT_EQ(answered("www.example.test."), kRate);
}

TEST_F(LimitsTest, WhatTheCacheAnswersIsLimited) {
  const Asked asked("www.elsewhere.net.");
  cache_->insert(asked.query, response_to(asked, {a_record("www.elsewhere.net.", 300)}).encode(),
                 kNow);
  for (int i = 0; i < kRate + 3; ++i) {
    const Asked gone(std::to_string(i) + ".elsewhere.net.");
    cache_->insert(
        gone.query,
        response_to(gone, {}, {soa_record("elsewhere.net.", 300, 300)}, Rcode::kNxDomain).encode(),
        kNow);
  }

  EXPECT_EQ(answered("www.elsewhere.net."), kRate);
  EXPECT_EQ(answered(".elsewhere.net.", true), kRate);
}

TEST_F(LimitsTest, WhatAnUpstreamAnswersIsLimited) {
  const Asked asked("www.elsewhere.net.");
  const Bytes answer = response_to(asked, {a_record("www.elsewhere.net.", 300)}).encode();

  for (int i = 0; i < kRate + 2; ++i) {
    ASSERT_EQ(handle(asked.packet).outcome, Resolver::Outcome::kPending);
    const std::size_t size =
        resolver().complete(pending_, {.rcode = Rcode::kNoError, .message = answer}, kNow,
                            buffer_.data(), buffer_.size());
    EXPECT_EQ(size > 0, i < kRate);
  }
}

// RFC 7873 section 5.2.
TEST_F(LimitsTest, EveryAnswerHasACookie) {
  const auto ask = [&](std::string_view name, Class dns_class = Class::kIn) {
    Message message = Asked::make(name, Type::kA);
    message.questions[0].dns_class = dns_class;
    message.edns = Edns{.options = {{kOptionCookie, kClientCookie}}};
    return handle(message.encode(), "10.0.0.1:1");
  };
  const auto has_cookie = [&](const Resolver::Handled& handled) {
    const Message said = reply(handled);
    return said.edns && !said.edns->options.empty() &&
           said.edns->options[0].code == kOptionCookie &&
           said.edns->options[0].data.size() == cookie::kClientSize + cookie::kServerSize;
  };
  const Asked cached("cached.elsewhere.net.");
  cache_->insert(cached.query,
                 response_to(cached, {a_record("cached.elsewhere.net.", 60)}).encode(), kNow);

  EXPECT_TRUE(has_cookie(ask("www.example.test.")));
  EXPECT_TRUE(has_cookie(ask("gone.example.test.")));
  EXPECT_TRUE(has_cookie(ask("localhost.")));
  EXPECT_TRUE(has_cookie(ask("cached.elsewhere.net.")));
  EXPECT_TRUE(has_cookie(ask("id.server.", Class::kCh)));
  for (const char* name : {"www.elsewhere.net.", "alias.example.test."}) {
    ASSERT_EQ(ask(name).outcome, Resolver::Outcome::kPending) << name;
    const Asked asked("www.elsewhere.net.");
    const Message answer = response_to(asked, {a_record("www.elsewhere.net.", 60)});
    const std::size_t size =
        resolver().complete(pending_, {.rcode = Rcode::kNoError, .message = answer.encode()}, kNow,
                            buffer_.data(), buffer_.size());
    EXPECT_TRUE(has_cookie({Resolver::Outcome::kReply, size})) << name;
  }
  ASSERT_EQ(ask("www.elsewhere.net.").outcome, Resolver::Outcome::kPending);
  const std::size_t size = resolver().complete(pending_, {.rcode = Rcode::kServFail}, kNow,
                                               buffer_.data(), buffer_.size());
  const Message failed = reply({Resolver::Outcome::kReply, size});
  ASSERT_TRUE(failed.edns);
  EXPECT_EQ(failed.edns->options.size(), 2U) << "the cookie, and why";
  EXPECT_EQ(failed.edns->options[0].code, kOptionCookie);
}

// RFC 7873 section 5.4.
TEST_F(LimitsTest, ACookieIsGivenWithoutAQuestion) {
  Message message = Asked::make("www.example.test.", Type::kA);
  message.questions.clear();
  message.edns = Edns{.options = {{kOptionCookie, kClientCookie}}};

  const Message given = reply(handle(message.encode()));

  EXPECT_EQ(given.rcode, Rcode::kNoError);
  EXPECT_EQ(given.questions.size(), 0U);
  EXPECT_EQ(server_cookie(given).size(), cookie::kServerSize);
}

TEST_F(LimitsTest, AMalformedCookieIsAMalformedQuestion) {
  for (const std::size_t size : {0U, 7U, 9U, 15U, 41U}) {
    const Message said = reply(handle(with_cookie(Bytes(size, 'x')), "10.0.0.1:1"));
    EXPECT_EQ(said.rcode, Rcode::kFormErr) << size;
    ASSERT_TRUE(said.edns);
    EXPECT_TRUE(said.edns->options.empty());
  }
}

TEST_F(LimitsTest, WithoutCookiesTheOptionIsIgnored) {
  parts_.rules.set({dsl::test::require_ok(Prefixes::parse({"any"})), {}});
  parts_.cookies = nullptr;
  for (const Bytes& cookie : {kClientCookie, Bytes("short")}) {
    const Message said = reply(handle(with_cookie(cookie)));
    EXPECT_EQ(said.rcode, Rcode::kNoError);
    ASSERT_TRUE(said.edns);
    EXPECT_TRUE(said.edns->options.empty());
  }
}

}  // namespace
}  // namespace mcns
