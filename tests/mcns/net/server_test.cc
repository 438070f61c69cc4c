#include "mcns/net/server.h"

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "mcns/rdata/rdata.h"
#include "mcns/wire/message.h"

namespace mcns::net {
namespace {

using dsl::env::UniqueFd;

Name name(std::string_view text) { return Name::parse(text).value(); }

Bytes query(std::uint16_t id, std::string_view owner) {
  Message message;
  message.id = id;
  message.questions.push_back({name(owner), Type::kA});
  return message.encode();
}

Bytes framed(const Bytes& message) {
  Bytes out;
  out += static_cast<char>(message.size() >> 8U);
  out += static_cast<char>(message.size());
  return out + message;
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    const Name origin = name("example.test.");
    Soa soa;
    soa.primary_ns = name("ns.example.test.");
    soa.admin_email = name("admin.example.test.");
    zone::Edit edit(zones_);
    edit.create(1, origin);
    edit.put(origin, {origin, Type::kSoa, 300, {soa.rdata()}});
    edit.put(origin, {name("www.example.test."), Type::kA, 300, {Bytes("\xc0\x00\x02\x01", 4)}});
    edit.publish();
  }

  void start(ServerOptions options) {
    auto sockets = bind_sockets({"127.0.0.1:0"}, options.workers);
    ASSERT_TRUE(sockets) << sockets.error().message();
    address_ = dsl::env::parse_socket_address(sockets->front().address).value();
    auto server = Server::start(options, parts_, *std::move(sockets));
    ASSERT_TRUE(server);
    server_ = *std::move(server);
  }

  UniqueFd connect(int type) const {
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    timeval patience{10, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(::connect(fd.get(), address_.raw(), address_.size), 0);
    return fd;
  }

  static Message receive(const UniqueFd& udp) {
    std::array<char, 4096> room;
    const ssize_t got = ::recv(udp.get(), room.data(), room.size(), 0);
    EXPECT_GT(got, 0);
    return Message::parse({room.data(), static_cast<std::size_t>(got)}).value();
  }

  // One message of a stream; nothing when it has ended.
  static std::optional<Message> receive_framed(const UniqueFd& tcp) {
    std::array<char, 2> length;
    if (::recv(tcp.get(), length.data(), 2, MSG_WAITALL) != 2) {
      return std::nullopt;
    }
    const std::size_t size =
        (static_cast<std::size_t>(static_cast<std::uint8_t>(length[0])) << 8U) |
        static_cast<std::uint8_t>(length[1]);
    Bytes message(size, '\0');
    EXPECT_EQ(::recv(tcp.get(), message.data(), size, MSG_WAITALL), static_cast<ssize_t>(size));
    return Message::parse(message).value();
  }

  static void send(const UniqueFd& fd, const Bytes& octets) {
    EXPECT_EQ(::send(fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }

  zone::Store zones_;
  std::unique_ptr<Cache> cache_ = Cache::make({}, 1);
  ResolverParts parts_{
      .zones = zones_, .cache = *cache_, .forwarder = nullptr, .rules = {}, .events = nullptr};
  dsl::env::SocketAddress address_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, EveryDatagramOfABurstIsAnswered) {
  start({.workers = 2});
  const UniqueFd udp = connect(SOCK_DGRAM);
  constexpr std::uint16_t kCount = 100;  // whose answers fit into any socket
  for (std::uint16_t id = 0; id < kCount; ++id) {
    send(udp, query(id, "www.example.test."));
  }

  std::array<bool, kCount> seen{};
  for (std::uint16_t i = 0; i < kCount; ++i) {
    const Message reply = receive(udp);
    EXPECT_EQ(reply.answers.size(), 1U);
    seen.at(reply.id) = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), kCount);
}

TEST_F(ServerTest, WhatIsNoQuestionIsDroppedAndTheNextIsAnswered) {
  start({});
  const UniqueFd udp = connect(SOCK_DGRAM);
  send(udp, "short");
  Bytes response = query(1, "www.example.test.");
  response[2] = static_cast<char>(0x80);
  send(udp, response);
  send(udp, Bytes(3000, 'x'));  // longer than any query
  send(udp, query(2, "www.example.test."));

  EXPECT_EQ(receive(udp).id, 2);
  EXPECT_EQ(server_->counters().front()->dropped_malformed.value(), 2U);
  EXPECT_EQ(server_->counters().front()->dropped_truncated.value(), 1U);
}

TEST_F(ServerTest, ManyQuestionsOfOneConnectionAreAnsweredInFull) {
  start({});
  const UniqueFd tcp = connect(SOCK_STREAM);
  Bytes all;
  for (std::uint16_t id = 0; id < 100; ++id) {
    all += framed(query(id, "www.example.test."));
  }
  send(tcp, all);

  for (int i = 0; i < 100; ++i) {
    const auto reply = receive_framed(tcp);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->answers.size(), 1U);
  }
}

TEST_F(ServerTest, AQuestionInPiecesIsPutTogether) {
  start({});
  const UniqueFd tcp = connect(SOCK_STREAM);
  for (const char octet : framed(query(7, "www.example.test."))) {
    send(tcp, Bytes(1, octet));
  }

  EXPECT_EQ(receive_framed(tcp).value().id, 7);
}

TEST_F(ServerTest, AClientThatHasEndedItsSideStillGetsItsAnswer) {
  start({});
  const UniqueFd tcp = connect(SOCK_STREAM);
  send(tcp, framed(query(7, "www.example.test.")));
  ::shutdown(tcp.get(), SHUT_WR);

  EXPECT_TRUE(receive_framed(tcp));
  EXPECT_FALSE(receive_framed(tcp));
}

TEST_F(ServerTest, BeyondItsConnectionsAClientLosesTheOldestIdleOne) {
  start({.tcp_max_per_client = 2});
  const UniqueFd first = connect(SOCK_STREAM);
  send(first, framed(query(1, "www.example.test.")));
  EXPECT_TRUE(receive_framed(first));
  const UniqueFd second = connect(SOCK_STREAM);
  send(second, framed(query(2, "www.example.test.")));
  EXPECT_TRUE(receive_framed(second));
  const UniqueFd third = connect(SOCK_STREAM);
  send(third, framed(query(3, "www.example.test.")));

  EXPECT_TRUE(receive_framed(third));
  EXPECT_FALSE(receive_framed(first));
  send(second, framed(query(4, "www.example.test.")));
  EXPECT_TRUE(receive_framed(second));
}

TEST_F(ServerTest, StoppingLeavesWhatWasNotReadToWhoTakesOver) {
  start({});
  const UniqueFd heir(::dup(server_->sockets().front().fd.get()));
  server_->stop(std::chrono::milliseconds(1000));
  const UniqueFd udp = connect(SOCK_DGRAM);
  send(udp, query(9, "www.example.test."));
  auto adopted = adopt_socket(UniqueFd(::dup(heir.get())));
  ASSERT_TRUE(adopted);
  std::vector<DnsSocket> sockets;
  sockets.push_back(*std::move(adopted));
  const auto next = Server::start({}, parts_, std::move(sockets));

  ASSERT_TRUE(next);
  EXPECT_EQ(receive(udp).id, 9);
}

TEST_F(ServerTest, StoppingAnswersWhatHasComeAndThenEndsTheConnectionInOrder) {
  start({});
  const UniqueFd tcp = connect(SOCK_STREAM);
  send(tcp, framed(query(1, "www.example.test.")));
  ASSERT_TRUE(receive_framed(tcp));
  std::thread stops([this] { server_->stop(std::chrono::milliseconds(20000)); });

  EXPECT_FALSE(receive_framed(tcp));  // half-closed
  send(tcp, framed(query(2, "www.example.test.")));
  ::shutdown(tcp.get(), SHUT_WR);
  char more = 0;
  EXPECT_EQ(::recv(tcp.get(), &more, 1, 0), 0);  // not reset, though something came in between
  stops.join();
}

TEST_F(ServerTest, AConnectionOutlivesItsServerWhereAnotherTakesIt) {
  start({});
  auto heir_sockets = bind_sockets({"127.0.0.1:0"}, 1);
  ASSERT_TRUE(heir_sockets);
  auto heir = Server::start({.workers = 2}, parts_, *std::move(heir_sockets));
  ASSERT_TRUE(heir);
  const UniqueFd tcp = connect(SOCK_STREAM);
  const UniqueFd half = connect(SOCK_STREAM);
  send(tcp, framed(query(1, "www.example.test.")));
  ASSERT_TRUE(receive_framed(tcp));
  const Bytes question = framed(query(2, "www.example.test."));
  send(half, framed(query(1, "www.example.test.")) + question.substr(0, 9));
  ASSERT_TRUE(receive_framed(half));

  server_->hand_over([&](int fd) {
    (*heir)->adopt(UniqueFd(::dup(fd)));
    return true;
  });
  send(tcp, framed(query(3, "www.example.test.")));
  send(half, question.substr(9));  // begun with the old server, so it is the one that answers
  EXPECT_EQ(receive_framed(tcp).value().id, 3);
  EXPECT_EQ(receive_framed(half).value().id, 2);
  server_->stop(std::chrono::milliseconds(20000));
  server_.reset();

  for (const UniqueFd* each : {&tcp, &half}) {
    send(*each, framed(query(4, "www.example.test.")));
    EXPECT_EQ(receive_framed(*each).value().id, 4);
  }
}

TEST(Sockets, APortThatIsTakenIsNamedWithTheWaysOut) {
  const auto first = bind_sockets({"127.0.0.1:0"}, 1);
  ASSERT_TRUE(first);
  const auto second = bind_sockets({first->front().address}, 1);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), dsl::Code::kConflict);
  EXPECT_NE(second.error().message().find(first->front().address), std::string::npos);
}

TEST(Sockets, ASocketThatIsNotForDnsIsRefused) {
  EXPECT_FALSE(adopt_socket(UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))));
  EXPECT_FALSE(adopt_socket(UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))));
}

}  // namespace
}  // namespace mcns::net
