#include "mcns/net/reply_batch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
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

// It gets messages as they left, with several datagrams in one.
bool takes_uncut(const UniqueFd& client) {
  const int on = 1;
  return ::setsockopt(client.get(), SOL_UDP, UDP_GRO, &on, sizeof(on)) == 0;
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
  if (!takes_uncut(client)) {
    GTEST_SKIP() << "this kernel does not cut messages";
  }
  reply(client, answer(100, 'a'));
  reply(client, answer(70, 'b'));
  reply(client, answer(100, 'c'));

  EXPECT_EQ(batch_.send(), 0U);

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
  reinterpret_cast<sockaddr_in*>(&nowhere.peer)->sin_port = 0;  // at the same place in both
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

// Sets the control data as a question to that address has it.
template <class Info>
void asked_at(msghdr& head, char* control, int level, int type, const Info& info) {
  auto* header = reinterpret_cast<cmsghdr*>(control);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(header), &info, sizeof(info));
  head.msg_control = control;
  head.msg_controllen = CMSG_SPACE(sizeof(info));
}

// A socket for every address, which says itself what an answer comes from.
TEST_P(ReplyBatchTest, AnswersLeaveFromTheAddressThatWasAsked) {
  const UniqueFd client = open_at(GetParam());
  if (!takes_uncut(client)) {
    GTEST_SKIP() << "this kernel does not cut messages";
  }
  const bool is_v4 = dsl::env::local_address(client.get()).family() == AF_INET;
  const UniqueFd everywhere = open_at(is_v4 ? "0.0.0.0:0" : "[::]:0");
  ReplyBatch batch(everywhere.get());
  const std::vector<std::string> hosts =
      is_v4 ? std::vector<std::string>{"127.0.0.2", "127.0.0.3"} : std::vector<std::string>{"::1"};
  for (int turn = 0; turn < 2; ++turn) {
    for (const std::string& host : hosts) {
      Question& asked = question(client);
      if (is_v4) {
        in_pktinfo info{};
        ASSERT_EQ(::inet_pton(AF_INET, host.c_str(), &info.ipi_spec_dst), 1);
        asked_at(asked.head, asked.control.data(), IPPROTO_IP, IP_PKTINFO, info);
      } else {
        in6_pktinfo info{};
        ASSERT_EQ(::inet_pton(AF_INET6, host.c_str(), &info.ipi6_addr), 1);
        asked_at(asked.head, asked.control.data(), IPPROTO_IPV6, IPV6_PKTINFO, info);
      }
      std::string& kept =
          *answers_.emplace_back(std::make_unique<std::string>(answer(40, host.back())));
      batch.add(asked.head, kept.data(), kept.size());
    }
  }

  EXPECT_EQ(batch.send(), 0U);

  std::vector<std::string> from;
  std::vector<std::string> expected;
  for (const std::string& host : hosts) {
    expected.push_back(host + " " + label(80, host.back()));  // both answers, uncut
    std::string datagram(100, '\0');
    SocketAddress peer;
    peer.size = sizeof(peer.storage);
    const ssize_t size =
        ::recvfrom(client.get(), datagram.data(), datagram.size(), 0, peer.raw(), &peer.size);
    ASSERT_GT(size, 0);
    from.push_back(dsl::env::host_of(peer) + " " +
                   label(static_cast<std::size_t>(size), datagram.front()));
  }
  EXPECT_THAT(from, UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace mcns::net
