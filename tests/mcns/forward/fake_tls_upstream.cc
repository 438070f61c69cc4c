#include "mcns/forward/fake_tls_upstream.h"

#include <array>

#include <poll.h>
#include <sys/socket.h>

#include "dsl/net/listen.h"
#include "mcns/forward/loop_options.h"
#include "mcns/wire/query.h"
#include "support/result_matchers.h"

namespace mcns::test {
namespace {

using dsl::env::UniqueFd;
using dsl::net::Io;
using dsl::net::Stream;
using dsl::test::require_ok;

constexpr int kLookMs = 10;  // between looks at whether the test is over

// False once `stopped`.
bool wait_for(int fd, short events, const std::atomic<bool>& stopped) {
  pollfd polled{fd, events, 0};
  while (!stopped) {
    if (::poll(&polled, 1, kLookMs) > 0) {
      return true;
    }
  }
  return false;
}

bool is_probe(const Bytes& packet) {
  Query query;
  MC_ASSERT(parse_query(packet, query) == ParseResult::kOk, "a forwarder sends whole queries");
  return loop_nonce_in(query.edns.options).has_value();
}

void write_all(Stream& stream, const Bytes& message) {
  Bytes framed{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size() & 0xffU)};
  framed += message;
  while (!framed.empty()) {
    const auto put = stream.write(framed);
    if (put.io != Io::kDone) {
      return;  // the client has gone
    }
    framed.erase(0, put.count);
  }
}

}  // namespace

FakeTlsUpstream::FakeTlsUpstream(dsl::tls::Context context, FakeUpstream::Handler handler,
                                 Upstream::Transport transport)
    : context_(std::move(context)), handler_(std::move(handler)), transport_(transport) {
  dsl::net::ignore_sigpipe();
  listener_ =
      require_ok(dsl::net::listen_on(require_ok(dsl::env::parse_socket_address("127.0.0.1:0"))));
  port_ = dsl::env::port_of(dsl::env::local_address(listener_.get()));
  thread_ = std::thread([this] { run(); });
}

FakeTlsUpstream::~FakeTlsUpstream() {
  stopped_ = true;
  thread_.join();
  for (std::thread& each : serving_) {
    each.join();
  }
}

Upstream FakeTlsUpstream::upstream(const std::string& ca_cert, const std::string& name) const {
  return {.transport = transport_,
          .address = "127.0.0.1",
          .port = port_,
          .path = transport_ == Upstream::Transport::kHttps ? "/dns-query" : "",
          .name = name,
          .ca_cert = ca_cert};
}

std::vector<Received> FakeTlsUpstream::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::vector<HttpRequest> FakeTlsUpstream::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeTlsUpstream::run() {
  while (wait_for(listener_.get(), POLLIN, stopped_)) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      ++connections_;
      serving_.emplace_back([this, fd = std::move(fd)]() mutable { serve(std::move(fd)); });
    }
  }
}

void FakeTlsUpstream::serve(UniqueFd fd) {
  if (black_hole_) {
    (void)wait_for(fd.get(), POLLRDHUP, stopped_);  // until the client gives up
    return;
  }
  Stream stream(std::move(fd));
  require_ok(stream.start_tls(context_));
  Io io = stream.handshake();
  while (io == Io::kWantRead && wait_for(stream.fd(), POLLIN, stopped_)) {
    io = stream.handshake();
  }
  if (io != Io::kDone) {
    return;
  }
  resumed_ += stream.is_resumed() ? 1 : 0;
  if (transport_ == Upstream::Transport::kHttps) {
    serve_http2(stream, stopped_, [this](const HttpRequest& request) {
      if (!is_probe(request.body)) {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      return answers_to(request.body);
    });
    return;
  }
  Bytes input;
  std::array<char, 65536> buffer;
  while (true) {
    const auto got = stream.read(buffer);
    if (got.io == Io::kWantRead) {
      if (!answer_all(stream, input) || !wait_for(stream.fd(), POLLIN, stopped_)) {
        return;
      }
    } else if (got.io == Io::kDone) {
      input.append(buffer.data(), got.count);
    } else {
      return;
    }
  }
}

std::vector<Sent> FakeTlsUpstream::answers_to(const Bytes& packet) {
  const Received received{packet, require_ok(Message::parse(packet)), true, 0};
  if (is_probe(packet)) {
    return {{.bytes = failure_to(received, Rcode::kRefused).encode()}};
  }
  {
    const std::lock_guard lock(mutex_);
    received_.push_back(received);
  }
  ++questions_;
  return handler_(received);
}

// False when the connection is to end.
bool FakeTlsUpstream::answer_all(Stream& stream, Bytes& input) {
  std::vector<Sent> answers;
  while (input.size() >= 2) {
    const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(input[0])) * 256 +
                             static_cast<unsigned char>(input[1]);
    if (input.size() < 2 + size) {
      break;
    }
    const Bytes packet = input.substr(2, size);
    input.erase(0, 2 + size);
    for (Sent& sent : answers_to(packet)) {
      answers.push_back(std::move(sent));
    }
  }
  bool goes_on = true;
  for (auto sent = answers.rbegin(); sent != answers.rend(); ++sent) {
    if (!sent->bytes.empty()) {
      write_all(stream, sent->bytes);
    }
    goes_on = goes_on && !sent->then_close;
  }
  return goes_on;
}

}  // namespace mcns::test
