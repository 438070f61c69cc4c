#include "mcns/net/udp.h"

#include <utility>

#include "mcns/net/worker.h"

namespace mcns::net {

UdpSocket::UdpSocket(Worker& worker, const DnsSocket& socket)
    : worker_(worker),
      fd_(socket.fd.get()),
      any_address_(socket.any_address),
      datagrams_(std::make_unique<std::array<Datagram, kBatch>>()),
      replies_(fd_) {}

UdpSocket::~UdpSocket() { stop_reading(); }

void UdpSocket::stop_reading() { worker_.loop().remove(fd_); }

void UdpSocket::on_ready(std::uint32_t) {
  for (unsigned round = 0; round < kRounds && worker_.is_listening(); ++round) {
    prepare();
    const int got = ::recvmmsg(fd_, in_.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) {
      // EAGAIN, or the error of an earlier answer (a client that is gone): nothing to do about it.
      return;
    }
    answer_batch(static_cast<unsigned>(got));
    worker_.count().send_failed.add(replies_.send());
    if (static_cast<unsigned>(got) < kBatch) {
      return;
    }
  }
}

void UdpSocket::prepare() {
  for (unsigned i = 0; i < kBatch; ++i) {
    Datagram& datagram = (*datagrams_)[i];
    in_parts_[i] = {datagram.query.data(), datagram.query.size()};
    msghdr& head = in_[i].msg_hdr;
    head = {};
    head.msg_name = &datagram.peer;
    head.msg_namelen = sizeof(datagram.peer);
    head.msg_iov = &in_parts_[i];
    head.msg_iovlen = 1;
    if (any_address_) {
      head.msg_control = datagram.control.data();
      head.msg_controllen = datagram.control.size();
    }
  }
}

// All packets are read before the first is answered, and what their names lead to is asked of the
// memory for all of them at once.
void UdpSocket::read_batch(const zone::Version& version, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    Datagram& datagram = (*datagrams_)[i];
    Resolver::read(version, {datagram.query.data(), in_[i].msg_len}, datagram.asked);
  }
  for (const Ahead step : {Ahead::kTable, Ahead::kSlot, Ahead::kEntry}) {
    for (unsigned i = 0; i < count; ++i) {
      worker_.resolver().look_ahead((*datagrams_)[i].asked, step);
    }
  }
}

void UdpSocket::answer_batch(unsigned count) {
  const std::int64_t began_ns = worker_.now_ns();
  const std::int64_t now_ms = began_ns / kNsPerMs;
  worker_.resolver().begin(began_ns);
  const zone::Pin version(worker_.reader());
  Pending pending;
  read_batch(*version, count);
  for (unsigned i = 0; i < count; ++i) {
    Datagram& datagram = (*datagrams_)[i];
    const msghdr& head = in_[i].msg_hdr;
    if ((head.msg_flags & MSG_TRUNC) != 0) {
      worker_.count().dropped_truncated.add();
      continue;
    }
    const std::string_view packet(datagram.query.data(), in_[i].msg_len);
    const auto* peer = reinterpret_cast<const sockaddr*>(&datagram.peer);
    const Resolver::Handled handled =
        worker_.resolver().handle(*version, datagram.asked, packet, peer, Transport::kUdp, now_ms,
                                  datagram.answer.data(), datagram.answer.size(), pending);
    if (handled.outcome == Resolver::Outcome::kPending) {
      forward(datagram, any_address_ ? head.msg_controllen : 0, head.msg_namelen,
              std::exchange(pending, Pending()));
    }
    if (handled.outcome != Resolver::Outcome::kReply) {
      continue;
    }
    replies_.add(head, datagram.answer.data(), handled.size);
  }
  worker_.resolver().end(worker_.now_ns(), count);
}

void UdpSocket::forward(const Datagram& datagram, std::size_t control_size, socklen_t peer_size,
                        Pending pending) {
  std::array<char, kControl> control = datagram.control;
  sockaddr_storage peer = datagram.peer;
  worker_.forward(std::move(pending), [this, peer, peer_size, control,
                                       control_size](std::string_view response) mutable {
    if (response.empty()) {
      return;
    }
    iovec part{const_cast<char*>(response.data()), response.size()};
    msghdr head{};
    head.msg_name = &peer;
    head.msg_namelen = peer_size;
    head.msg_iov = &part;
    head.msg_iovlen = 1;
    head.msg_control = control_size == 0 ? nullptr : control.data();
    head.msg_controllen = control_size;
    if (::sendmsg(fd_, &head, MSG_DONTWAIT) < 0) {
      worker_.count().send_failed.add();
    }
  });
}

}  // namespace mcns::net
