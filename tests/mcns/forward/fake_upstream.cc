#include "mcns/forward/fake_upstream.h"

#include <algorithm>
#include <array>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "dsl/result/result.h"
#include "mcns/forward/loop_options.h"
#include "mcns/wire/query.h"
#include "support/result_matchers.h"

namespace mcns::test {
namespace {

using dsl::env::SocketAddress;
using dsl::env::UniqueFd;
using dsl::test::require_ok;
using std::chrono::steady_clock;

SocketAddress loopback(std::uint16_t port, char last) {
  return dsl::env::make_socket_address(Bytes("\x7f\0\0", 3) + last, port);
}

UniqueFd bind_to(int kind, std::uint16_t port, char last = 1) {
  UniqueFd fd(::socket(AF_INET, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const SocketAddress address = loopback(port, last);
  return ::bind(fd.get(), address.raw(), address.size) == 0 ? std::move(fd) : UniqueFd();
}

// A port that is free for both.
void bind_both(UniqueFd& udp, UniqueFd& tcp) {
  while (!udp || !tcp) {
    udp = bind_to(SOCK_DGRAM, 0);
    tcp = bind_to(SOCK_STREAM, dsl::env::port_of(dsl::env::local_address(udp.get())));
  }
}

}  // namespace

FakeUpstream::FakeUpstream(Handler handler) : FakeUpstream(std::move(handler), 1, nullptr) {}

FakeUpstream::FakeUpstream(Handler handler, char last, const FakeUpstream* same_port)
    : last_(last),
      elsewhere_(bind_to(SOCK_DGRAM, 0)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (same_port == nullptr) {
    bind_both(udp_, listener_);
  } else {
    udp_ = bind_to(SOCK_DGRAM, same_port->port_, last);
    listener_ = bind_to(SOCK_STREAM, same_port->port_, last);
    MC_ASSERT(udp_ && listener_, "the port is free on another address");
  }
  MC_ASSERT(::listen(listener_.get(), 16) == 0, "it is bound");
  port_ = dsl::env::port_of(dsl::env::local_address(udp_.get()));
  handler_ = std::move(handler);
  thread_ = std::thread([this] { run(); });
}

FakeUpstream::~FakeUpstream() {
  stopped_ = true;
  (void)::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void FakeUpstream::set_handler(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void FakeUpstream::on_probe(std::function<void(std::uint64_t)> seen) {
  const std::lock_guard lock(mutex_);
  probe_seen_ = std::move(seen);
}

Upstream FakeUpstream::upstream(Upstream::Transport transport) const {
  return {
      .transport = transport, .address = dsl::env::host_of(loopback(port_, last_)), .port = port_};
}

std::vector<Received> FakeUpstream::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void FakeUpstream::run() {
  while (!stopped_) {
    std::vector<pollfd> polled{
        {wake_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Connection& connection : connections_open_) {
      polled.push_back({connection.fd.get(), POLLIN, 0});
    }
    (void)::poll(polled.data(), polled.size(), due_.empty() ? 1000 : 1);
    read_datagrams();
    for (Connection& connection : connections_open_) {
      read_connection(connection);
    }
    UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted) {
      connections_open_.push_back({std::move(accepted), {}, ++connections_});
    }
    send_due();
    std::erase_if(connections_open_, [](const Connection& connection) { return !connection.fd; });
  }
}

void FakeUpstream::read_datagrams() {
  std::array<char, 4096> buffer;
  while (true) {
    SocketAddress from;
    from.size = sizeof from.storage;
    const ssize_t size =
        ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, from.raw(), &from.size);
    if (size < 0) {
      return;
    }
    take(Bytes(buffer.data(), static_cast<std::size_t>(size)), from, 0);
  }
}

void FakeUpstream::read_connection(Connection& connection) {
  std::array<char, 4096> buffer;
  const ssize_t size = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (size == 0) {
    connection.fd.reset();
  }
  if (size <= 0) {
    return;
  }
  connection.input.append(buffer.data(), static_cast<std::size_t>(size));
  while (connection.input.size() >= 2) {
    const auto length =
        static_cast<std::size_t>(static_cast<unsigned char>(connection.input[0])) * 256 +
        static_cast<unsigned char>(connection.input[1]);
    if (connection.input.size() < 2 + length) {
      return;
    }
    take(connection.input.substr(2, length), {}, connection.number);
    connection.input.erase(0, 2 + length);
  }
}

void FakeUpstream::take(const Bytes& packet, const SocketAddress& from, int connection) {
  if (deaf_) {
    return;
  }
  Query query;
  MC_ASSERT(parse_query(packet, query) == ParseResult::kOk, "a forwarder sends whole queries");
  const Received received{packet, require_ok(Message::parse(packet)), connection != 0,
                          dsl::env::port_of(from)};
  if (!knows_root_ && received.message.questions.at(0).name.is_root()) {
    return;
  }
  std::unique_lock lock(mutex_);
  const auto now = steady_clock::now();
  if (const auto nonce = loop_nonce_in(query.edns.options)) {
    const auto seen = probe_seen_;
    lock.unlock();
    if (seen) {
      seen(*nonce);
    }
    due_.push_back({now, {failure_to(received, Rcode::kRefused).encode()}, from, connection});
    return;
  }
  received_.push_back(received);
  const Handler handler = handler_;
  lock.unlock();
  ++questions_;
  for (Sent& sent : handler(received)) {
    due_.push_back({now + sent.after, std::move(sent), from, connection});
  }
}

void FakeUpstream::send_due() {
  std::stable_sort(due_.begin(), due_.end(),
                   [](const Due& a, const Due& b) { return a.at < b.at; });
  const auto now = steady_clock::now();
  const auto later =
      std::find_if(due_.begin(), due_.end(), [&](const Due& due) { return due.at > now; });
  std::for_each(due_.begin(), later, [&](const Due& due) { send(due); });
  due_.erase(due_.begin(), later);
}

void FakeUpstream::send(const Due& due) {
  const Bytes& bytes = due.sent.bytes;
  if (due.connection == 0) {
    const int fd = due.sent.from_elsewhere ? elsewhere_.get() : udp_.get();
    (void)::sendto(fd, bytes.data(), bytes.size(), 0, due.to.raw(), due.to.size);
    return;
  }
  for (Connection& connection : connections_open_) {
    if (connection.number != due.connection || !connection.fd) {
      continue;
    }
    const Bytes framed =
        Bytes{static_cast<char>(bytes.size() >> 8U), static_cast<char>(bytes.size() & 0xffU)} +
        bytes;
    if (!bytes.empty()) {
      (void)::send(connection.fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
    if (due.sent.then_close) {
      connection.fd.reset();
    }
  }
}

Message answer_to(const Received& received, char last, std::uint32_t ttl) {
  Message message = failure_to(received, Rcode::kNoError);
  message.answers.push_back(
      {message.questions.at(0).name, Type::kA, Class::kIn, ttl, Bytes("\xc0\x00\x02", 3) + last});
  return message;
}

Message failure_to(const Received& received, Rcode rcode) {
  Message message = received.message;
  message.response = true;
  message.recursion_available = true;
  message.rcode = rcode;
  message.edns = Edns{};
  return message;
}

FakeUpstream::Handler answering(char last, std::chrono::milliseconds after) {
  return [=](const Received& received) {
    return std::vector<Sent>{{.bytes = answer_to(received, last).encode(), .after = after}};
  };
}

FakeUpstream::Handler failing(Rcode rcode) {
  return [=](const Received& received) {
    return std::vector<Sent>{{.bytes = failure_to(received, rcode).encode()}};
  };
}

FakeUpstream::Handler silent() {
  return [](const Received&) { return std::vector<Sent>(); };
}

Upstream dead_upstream() {
  UniqueFd udp;
  UniqueFd tcp;
  bind_both(udp, tcp);
  return {.address = "127.0.0.1", .port = dsl::env::port_of(dsl::env::local_address(udp.get()))};
}

}  // namespace mcns::test
