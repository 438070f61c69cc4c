#include "mcns/cli/dns_client.h"

#include <cerrno>
#include <cstring>
#include <span>

#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/unique_fd.h"

namespace mcns::cli {

using dsl::Code;
using dsl::fail;
using dsl::env::MonoTime;
using dsl::env::SocketAddress;
using dsl::env::UniqueFd;

namespace {

constexpr std::size_t kDatagramMax = 4096;

// One connection to a server, with an end to all waiting.
class Line {
 public:
  Line(dsl::env::Clock& clock, UniqueFd fd, MonoTime deadline)
      : clock_(clock), fd_(std::move(fd)), deadline_(deadline) {}

  Result<void> connect(const SocketAddress& server) {
    if (::connect(fd_.get(), server.raw(), server.size) == 0) {
      return {};
    }
    if (errno != EINPROGRESS) {
      return failed();
    }
    MC_TRY(wait(POLLOUT));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      errno = error;
      return failed();
    }
    return {};
  }

  Result<void> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        MC_TRY(wait(POLLOUT));
      } else {
        return failed();
      }
    }
    return {};
  }

  // A datagram, or what a stream has.
  Result<std::string> receive(std::size_t size_max) {
    std::string bytes(size_max, '\0');
    while (true) {
      MC_TRY(wait(POLLIN));
      const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
      if (got >= 0) {
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
      }
      if (errno != EAGAIN && errno != EINTR) {
        return failed();
      }
    }
  }

  Result<std::string> receive_exactly(std::size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
      MC_ASSIGN(const std::string piece, receive(size - bytes.size()));
      if (piece.empty()) {
        return fail(Code::kUnavailable, "the server closed the connection");
      }
      bytes += piece;
    }
    return bytes;
  }

 private:
  Result<void> wait(short events) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - clock_.mono_now());
    pollfd ready{.fd = fd_.get(), .events = events, .revents = 0};
    const int count = left.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left.count()));
    if (count == 0) {
      return fail(Code::kDeadlineExceeded, "no answer in time");
    }
    if (count < 0 && errno != EINTR) {
      return failed();
    }
    return {};
  }
  static dsl::Failure failed() { return fail(Code::kUnavailable, "{}", std::strerror(errno)); }

  dsl::env::Clock& clock_;
  const UniqueFd fd_;
  const MonoTime deadline_;
};

bool answers(const Message& message, const Message& question) {
  return message.response && message.id == question.id && message.questions == question.questions;
}

Result<Message> parsed(std::string_view bytes) {
  Result<Message> message = Message::parse(bytes);
  if (!message) {
    return fail(Code::kDataLoss, "the answer is no DNS message: {}", message.error().message());
  }
  return message;
}

// RFC 1035 section 4.2.2: the length goes before.
Result<Message> over_tcp(Line& line, const Message& question) {
  const Bytes query = question.encode();
  std::string framed;
  framed += static_cast<char>(query.size() >> 8U);
  framed += static_cast<char>(query.size());
  MC_TRY(line.send(framed + query));
  MC_ASSIGN(const std::string head, line.receive_exactly(2));
  const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(head[0])) << 8U |
                           static_cast<std::uint8_t>(head[1]);
  MC_ASSIGN(const std::string body, line.receive_exactly(size));
  MC_ASSIGN(Message message, parsed(body));
  if (!answers(message, question)) {
    return fail(Code::kDataLoss, "the answer is to another question");
  }
  return message;
}

// What does not answer this question is not for us, and the wait goes on (RFC 5452 section 9.1).
Result<Message> over_udp(Line& line, const Message& question) {
  MC_TRY(line.send(question.encode()));
  while (true) {
    MC_ASSIGN(const std::string datagram, line.receive(kDatagramMax));
    Result<Message> message = Message::parse(datagram);
    if (message && answers(*message, question)) {
      return message;
    }
  }
}

}  // namespace

std::string_view text(DnsTransport transport) {
  return transport == DnsTransport::kUdp ? "udp" : "tcp";
}

Result<Message> ask(dsl::env::Env& env, const SocketAddress& server, DnsTransport transport,
                    const Name& name, Type type, std::chrono::milliseconds timeout) {
  const int kind = transport == DnsTransport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  UniqueFd fd(::socket(server.family(), kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return fail(Code::kUnavailable, "{}", std::strerror(errno));
  }
  Line line(env.clock(), std::move(fd), env.clock().mono_now() + timeout);
  MC_TRY(line.connect(server));
  Message question;
  question.id = static_cast<std::uint16_t>(env.random().below(65536));
  question.recursion_desired = true;
  question.questions.push_back({.name = name, .type = type});
  question.edns = Edns{};
  return transport == DnsTransport::kUdp ? over_udp(line, question) : over_tcp(line, question);
}

Result<SocketAddress> listener_address(std::string_view listener) {
  const std::size_t blank = listener.find(' ');
  const std::string_view address =
      blank == std::string_view::npos ? listener : listener.substr(blank + 1);
  const auto parts = dsl::env::split_host_port(address);
  if (!parts) {
    return fail(Code::kInvalidArgument, "{} is no address with a port", address);
  }
  // Every address of this machine: the loopback one is among them.
  const std::string host = parts->host == "0.0.0.0" ? "127.0.0.1"
                           : parts->host == "::"    ? "::1"
                                                    : parts->host;
  return dsl::env::parse_socket_address(dsl::env::join_host_port(host, parts->port));
}

}  // namespace mcns::cli
