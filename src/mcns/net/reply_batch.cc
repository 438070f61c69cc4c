#include "mcns/net/reply_batch.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/udp.h>

#include "dsl/result/result.h"

namespace mcns::net {
namespace {

// A part larger than the way takes is an error, not a fragment. This goes through every IPv6 link
// (1,280 octets, RFC 8200 section 5), and is what most clients say they take.
constexpr std::size_t kCutMax = 1232;
constexpr std::size_t kMessageMax = 65'507;  // octets of UDP over IPv4
static_assert(ReplyBatch::kMax * kCutMax < kMessageMax);

bool is_same(const void* first, const void* second, std::size_t size) {
  return size == 0 || std::memcmp(first, second, size) == 0;
}

// Same client, same address of ours.
bool is_same_way(const msghdr& first, const msghdr& second) {
  return first.msg_namelen == second.msg_namelen && first.msg_controllen == second.msg_controllen &&
         is_same(first.msg_name, second.msg_name, first.msg_namelen) &&
         is_same(first.msg_control, second.msg_control, first.msg_controllen);
}

// A kernel that does not know it would take the control message for nothing, and send one datagram.
bool knows_cutting(int fd) {
  const int off = 0;
  return ::setsockopt(fd, SOL_UDP, UDP_SEGMENT, &off, sizeof(off)) == 0;
}

}  // namespace

ReplyBatch::ReplyBatch(int fd) : fd_(fd), knows_cutting_(knows_cutting(fd)) {}

void ReplyBatch::add(const msghdr& question, char* answer, std::size_t size) {
  MC_ASSERT(answers_count_ < kMax && question.msg_controllen <= kControlMax, "it has a place");
  answers_[answers_count_++] = {.question = &question, .part = {answer, size}};
}

void ReplyBatch::gather() {
  messages_count_ = 0;
  unsigned gathered = 0;
  for (unsigned i = 0; i < answers_count_; ++i) {
    const Answer& first = answers_[i];
    if (first.is_gathered) {
      continue;
    }
    Message& message = messages_[messages_count_];
    message.question = first.question;
    message.first = gathered;
    parts_[gathered++] = first.part;
    const bool may_cut = knows_cutting_ && first.part.iov_len <= kCutMax;
    for (unsigned j = i + 1; may_cut && j < answers_count_; ++j) {
      Answer& other = answers_[j];
      if (!other.is_gathered && other.part.iov_len == first.part.iov_len &&
          is_same_way(*other.question, *first.question)) {
        other.is_gathered = true;
        parts_[gathered++] = other.part;
      }
    }
    message.count = gathered - message.first;
    heads_[messages_count_++].msg_hdr = head_of(message);
  }
  answers_count_ = 0;
}

msghdr ReplyBatch::head_of(Message& message) {
  msghdr head{};
  head.msg_name = message.question->msg_name;
  head.msg_namelen = message.question->msg_namelen;
  head.msg_iov = &parts_[message.first];
  head.msg_iovlen = message.count;
  head.msg_control = message.question->msg_control;
  head.msg_controllen = message.question->msg_controllen;
  if (message.count == 1) {
    return head;
  }
  const std::size_t before = CMSG_ALIGN(head.msg_controllen);
  if (before > 0) {
    std::memcpy(message.control.data(), head.msg_control, head.msg_controllen);
  }
  auto* cut = reinterpret_cast<cmsghdr*>(message.control.data() + before);
  const auto size = static_cast<std::uint16_t>(parts_[message.first].iov_len);
  cut->cmsg_level = SOL_UDP;
  cut->cmsg_type = UDP_SEGMENT;
  cut->cmsg_len = CMSG_LEN(sizeof(size));
  std::memcpy(CMSG_DATA(cut), &size, sizeof(size));
  head.msg_control = message.control.data();
  head.msg_controllen = before + CMSG_SPACE(sizeof(size));
  return head;
}

unsigned ReplyBatch::send() {
  gather();
  unsigned failed = 0;
  for (unsigned sent = 0; sent < messages_count_;) {
    const int done = ::sendmmsg(fd_, heads_.data() + sent, messages_count_ - sent, 0);
    if (done > 0) {
      sent += static_cast<unsigned>(done);
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    // Answers that the device does not cut (an MTU below them, IPsec, or no checksums) go one by
    // one. What cannot be sent must not hold up the others: to its client it is a lost datagram,
    // which it asks again for.
    failed += messages_[sent].count == 1 ? 1 : send_apart(messages_[sent]);
    ++sent;
  }
  return failed;
}

unsigned ReplyBatch::send_apart(const Message& message) {
  unsigned failed = 0;
  msghdr head = *message.question;
  head.msg_flags = 0;
  for (unsigned i = 0; i < message.count; ++i) {
    head.msg_iov = &parts_[message.first + i];
    head.msg_iovlen = 1;
    failed += ::sendmsg(fd_, &head, 0) < 0 ? 1U : 0U;
  }
  return failed;
}

}  // namespace mcns::net
