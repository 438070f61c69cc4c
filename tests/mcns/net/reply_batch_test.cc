#include "mcns/net/reply_batch.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"

namespace mcns::net {
namespace {

using dsl::env::SocketAddress;
using dsl::env::UniqueFd;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using ::testing::UnorderedElementsAreArray;

constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};

UniqueFd open_at(const std::string& text) {
  const SocketAddress address = dsl::env::parse_socket_address(text).value();
  UniqueFd fd(::socket(address.family(), SOCK_DGRAM, 0));
  EXPECT_EQ(::bind(fd.get(), address.raw(), address.size), 0);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  return fd;
}

std::string label(std::size_t size, char first) { return first + std::to_string(size); }

// The labels of what it gets, one datagram each; `count` of them.
std::vector<std::string> received(const UniqueFd& fd, std::size_t count) {
  std::vector<std::string> out;
  while (out.size() < count) {
    std::string datagram(65536, '\0');
    const ssize_t size = ::recv(fd.get(), datagram.data(), datagram.size(), 0);
    if (size < 0) {
      break;
    }
    out.push_back(label(static_cast<std::size_t>(size), datagram.front()));
  }
  std::string none(1, '\0');
  EXPECT_LT(::recv(fd.get(), none.data(), none.size(), MSG_DONTWAIT), 0) << "one more";
  return out;
}

std::string answer(std::size_t size, char first) {
  std::string out(size, '.');
  out.front() = first;
  return out;
}

// A server's socket with clients of each family.
class ReplyBatchTest : public ::testing::TestWithParam<const char*> {
 protected:
  // As a question of that client comes.
  struct Question {
    sockaddr_storage peer{};
    msghdr head{};
    alignas(cmsghdr) std::array<char, ReplyBatch::kControlMax> control{};
  };

  Question& question(const UniqueFd& client) {
    const SocketAddress peer = dsl::env::local_address(client.get());
    Question& out = *questions_.emplace_back(std::make_unique<Question>());
    std::copy_n(reinterpret_cast<const char*>(peer.raw()), peer.size,
                reinterpret_cast<char*>(&out.peer));
    out.head.msg_name = &out.peer;
    out.head.msg_namelen = peer.size;
    return out;
  }

  void reply(const UniqueFd& client, std::string text) {
    std::string& kept = *answers_.emplace_back(std::make_unique<std::string>(std::move(text)));
    batch_.add(question(client).head, kept.data(), kept.size());
  }

  const UniqueFd server_ = open_at(GetParam());
  ReplyBatch batch_{server_.get()};
  std::vector<std::unique_ptr<Question>> questions_;
  std::vector<std::unique_ptr<std::string>> answers_;
};

INSTANTIATE_TEST_SUITE_P(Families, ReplyBatchTest, ::testing::Values("127.0.0.1:0", "[::1]:0"));

TEST_P(ReplyBatchTest, EachAnswerIsADatagramOfItsClient) {
  const UniqueFd one = open_at(GetParam());
  const UniqueFd two = open_at(GetParam());
  reply(one, answer(100, 'a'));
  reply(two, answer(100, 'b'));
  reply(one, answer(100, 'c'));
  reply(one, answer(70, 'd'));
  reply(two, answer(100, 'e'));
  reply(one, answer(100, 'f'));

  EXPECT_EQ(batch_.send(), 0U);

  EXPECT_THAT(received(one, 4), UnorderedElementsAre(label(100, 'a'), label(100, 'c'),
                                                     label(70, 'd'), label(100, 'f')));
  EXPECT_THAT(received(two, 2), UnorderedElementsAre(label(100, 'b'), label(100, 'e')));
}

TEST_P(ReplyBatchTest, AnswersOfOneSizeLeaveAsOneMessage) {
  const UniqueFd client = open_at(GetParam());
  const int on = 1;
  if (::setsockopt(client.get(), SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0) {
    GTEST_SKIP() << "this kernel does not cut messages";
  }
  reply(client, answer(100, 'a'));
  reply(client, answer(70, 'b'));
  reply(client, answer(100, 'c'));

  EXPECT_EQ(batch_.send(), 0U);

  // A client that takes messages uncut sees how they left.
  EXPECT_THAT(received(client, 2), UnorderedElementsAre(label(200, 'a'), label(70, 'b')));
}

TEST_P(ReplyBatchTest, FullBatchesOfEachSizeArrive) {
  const UniqueFd client = open_at(GetParam());
  for (const std::size_t size : {12U, 60U, 1232U, 1233U, 2000U}) {
    std::vector<std::string> sent;
    for (unsigned i = 0; i < ReplyBatch::kMax; ++i) {
      sent.push_back(label(size, static_cast<char>('0' + i)));
      reply(client, answer(size, sent.back().front()));
    }

    EXPECT_EQ(batch_.send(), 0U) << size;

    EXPECT_THAT(received(client, sent.size()), UnorderedElementsAreArray(sent)) << size;
  }
}

TEST_P(ReplyBatchTest, WhatCannotBeSentHoldsUpNoOther) {
  const UniqueFd client = open_at(GetParam());
  const UniqueFd gone = open_at(GetParam());
  Question& nowhere = question(gone);
  // Port 0 is nobody's.
  reinterpret_cast<sockaddr_in*>(&nowhere.peer)->sin_port = 0;
  std::string lost = answer(100, 'x');
  reply(client, answer(100, 'a'));
  batch_.add(nowhere.head, lost.data(), lost.size());
  batch_.add(nowhere.head, lost.data(), lost.size());
  reply(client, answer(100, 'b'));
  reply(client, answer(50, 'c'));

  EXPECT_EQ(batch_.send(), 2U);

  EXPECT_THAT(received(client, 3),
              UnorderedElementsAre(label(100, 'a'), label(100, 'b'), label(50, 'c')));
}

TEST_P(ReplyBatchTest, AnswersLeaveFromTheAddressThatWasAsked) {
  if (std::string(GetParam()) != "127.0.0.1:0") {
    GTEST_SKIP() << "loopback has one address of IPv6";
  }
  const UniqueFd everywhere = open_at("0.0.0.0:0");
  ReplyBatch batch(everywhere.get());
  const UniqueFd client = open_at("127.0.0.1:0");
  std::vector<std::string> texts;
  for (const char* own : {"127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"}) {
    Question& asked = question(client);
    in_pktinfo which{};
    which.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(
                             dsl::env::parse_socket_address(std::string(own) + ":1").value().raw())
                             ->sin_addr;
    auto* header = reinterpret_cast<cmsghdr*>(asked.control.data());
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(which));
    std::copy_n(reinterpret_cast<const char*>(&which), sizeof(which),
                reinterpret_cast<char*>(CMSG_DATA(header)));
    asked.head.msg_control = asked.control.data();
    asked.head.msg_controllen = CMSG_SPACE(sizeof(which));
    std::string& kept = *answers_.emplace_back(std::make_unique<std::string>(answer(40, own[8])));
    batch.add(asked.head, kept.data(), kept.size());
  }

  EXPECT_EQ(batch.send(), 0U);

  std::vector<std::string> from;
  for (int i = 0; i < 4; ++i) {
    std::string datagram(100, '\0');
    SocketAddress peer;
    peer.size = sizeof(peer.storage);
    ASSERT_EQ(::recvfrom(client.get(), datagram.data(), datagram.size(), 0, peer.raw(), &peer.size),
              40);
    from.push_back(dsl::env::host_of(peer) + " " + datagram.front());
  }
  std::sort(from.begin(), from.end());
  EXPECT_THAT(from, ElementsAre("127.0.0.2 2", "127.0.0.2 2", "127.0.0.3 3", "127.0.0.3 3"));
}

}  // namespace
}  // namespace mcns::net
