#include "mcns/dnstap/encode.h"

#include <vector>

#include <gtest/gtest.h>

#include "dnstap/dnstap.pb.h"
#include "mcns/dnstap/frames.h"
#include "mcns/events/told.h"

namespace mcns::dnstap {
namespace {

namespace pb = ::dnstap;
using test::Asked;

constexpr std::int64_t kAt = 1'700'000'000'123'456'789;
const Identity kIdentity{.server = "ns1", .program = "mcns 1.0"};

std::vector<pb::Dnstap> frames_of(const Event& event, bool anonymize = false) {
  std::string out;
  append_frames(event, kAt, kIdentity, anonymize, out);
  std::vector<pb::Dnstap> frames;
  std::string_view rest = out;
  while (!rest.empty()) {
    const std::size_t size = data_frame_size(rest);
    EXPECT_TRUE(frames.emplace_back().ParseFromString(std::string(rest.substr(4, size - 4))));
    rest.remove_prefix(size);
  }
  EXPECT_EQ(frames.size(), messages_of(event));
  return frames;
}

TEST(Encode, AnAnswerIsAQueryAndAResponse) {
  const EventHead head = test::head_of({.client = "[2001:db8::7]:5353", .took_ns = 900'000'000});
  const auto frames = frames_of({head, "query", "response"});

  ASSERT_EQ(frames.size(), 2U);
  const pb::Message& query = frames[0].message();
  EXPECT_EQ(frames[0].identity(), "ns1");
  EXPECT_EQ(frames[0].version(), "mcns 1.0");
  EXPECT_EQ(query.type(), pb::Message::AUTH_QUERY);
  EXPECT_EQ(query.socket_family(), pb::INET6);
  EXPECT_EQ(query.socket_protocol(), pb::UDP);
  EXPECT_EQ(query.query_address(), head.peer.bytes());
  EXPECT_EQ(query.query_port(), 5353U);
  EXPECT_EQ(query.query_time_sec(), 1'700'000'000U);
  EXPECT_EQ(query.query_time_nsec(), 123'456'789U);
  EXPECT_EQ(query.query_message(), "query");
  EXPECT_FALSE(query.has_response_message());
  EXPECT_FALSE(query.has_response_time_sec());
  const pb::Message& response = frames[1].message();
  EXPECT_EQ(response.type(), pb::Message::AUTH_RESPONSE);
  EXPECT_EQ(response.response_message(), "response");
  EXPECT_FALSE(response.has_query_message());
  EXPECT_EQ(response.query_time_sec(), 1'700'000'000U);
  EXPECT_EQ(response.response_time_sec(), 1'700'000'001U);
  EXPECT_EQ(response.response_time_nsec(), 23'456'789U);
}

TEST(Encode, TypesSayWhoHadTheAnswer) {
  struct Row {
    AnswerPath path;
    pb::Message::Type query;
  };
  for (const Row& row : {Row{AnswerPath::kZone, pb::Message::AUTH_QUERY},
                         Row{AnswerPath::kSpecial, pb::Message::AUTH_QUERY},
                         Row{AnswerPath::kCache, pb::Message::CLIENT_QUERY},
                         Row{AnswerPath::kForward, pb::Message::CLIENT_QUERY}}) {
    const auto frames = frames_of({test::head_of({.path = row.path}), "q", "r"});
    EXPECT_EQ(frames.at(0).message().type(), row.query);
    EXPECT_EQ(frames.at(1).message().type(), row.query + 1);
  }
}

TEST(Encode, WhatIsLimitedSaysSo) {
  const auto dropped = frames_of({test::head_of({.limited = Limited::kDropped}), "query", ""});
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].extra(), "rrl: dropped");
  const auto slipped = frames_of({test::head_of({.limited = Limited::kSlipped}), "q", "r"});
  ASSERT_EQ(slipped.size(), 2U);
  EXPECT_EQ(slipped[1].extra(), "rrl: slipped");
  EXPECT_FALSE(frames_of({test::head_of({}), "q", "r"})[0].has_extra());
}

TEST(Encode, AnUpstreamIsWhoAnswers) {
  EventHead head = test::head_of({.client = "198.51.100.53:53"});
  head.kind = EventHead::Kind::kUpstream;
  head.stream = true;
  const auto sent = frames_of({head, "query", ""}, true);
  const auto came = frames_of({head, "", "response"}, true);

  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].message().type(), pb::Message::FORWARDER_QUERY);
  EXPECT_EQ(sent[0].message().socket_protocol(), pb::TCP);
  EXPECT_EQ(sent[0].message().response_address(), head.peer.bytes());
  EXPECT_EQ(sent[0].message().response_port(), 53U);
  EXPECT_FALSE(sent[0].message().has_query_address());
  EXPECT_EQ(sent[0].message().query_message(), "query") << "it names no client";
  ASSERT_EQ(came.size(), 1U);
  EXPECT_EQ(came[0].message().type(), pb::Message::FORWARDER_RESPONSE);
  EXPECT_EQ(came[0].message().response_message(), "response");
}

TEST(Encode, AnonymousClientsAreTheirNetwork) {
  Message asked = Asked::make("www.example.test.", Type::kA);
  asked.edns = Edns{.options = {{8, Bytes("\0\1\x20\0\xc0\0\2\x4d", 8)}}};
  const Bytes query = asked.encode();
  const auto frames = frames_of({test::head_of({.client = "192.0.2.77:5353"}), query, "r"}, true);

  for (const pb::Dnstap& frame : frames) {
    EXPECT_EQ(frame.message().query_address(), std::string("\xc0\0\2\0", 4));
    EXPECT_FALSE(frame.message().has_query_port());
  }
  EXPECT_EQ(frames.at(0).message().query_message().find(std::string("\xc0\0\2\x4d", 4)),
            std::string::npos);
}

}  // namespace
}  // namespace mcns::dnstap
