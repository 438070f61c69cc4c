#include "mcns/forward/udp_pool.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "dsl/env/errno_error.h"

namespace mcns {

namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr int kUsesMax = 128;     // of a socket
constexpr int kMessagesMax = 64;  // of one socket in a row: others have waited too
constexpr std::size_t kMessageSize = 65536;

}  // namespace

class UdpSocket final : public dsl::net::Watcher {
 public:
  UdpSocket(UdpPool& pool, dsl::env::UniqueFd fd) : pool_(pool), fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  bool used_up() const { return uses_ >= kUsesMax; }
  bool idle() const { return outstanding_.empty(); }
  void remove(std::uint16_t id) { outstanding_.remove(id); }

  Result<std::uint16_t> send(Attempt attempt, const Packet& packet, RandomPool& random,
                             LetterCase letters) {
    const auto id = outstanding_.add(attempt, packet, random, letters);
    if (!id) {
      return fail(Code::kUnavailable, "too many questions are under way");
    }
    ++uses_;
    const Bytes bytes = with_id(packet, *id);
    // An error may be that of an earlier datagram, reported only now; then the second try works.
    if (!send_once(bytes) && !send_once(bytes)) {
      const int error = errno;
      outstanding_.remove(*id);
      return fail(dsl::env::errno_error(error, "send to", "an upstream"));
    }
    return *id;
  }

  void on_ready(std::uint32_t /*events*/) override {
    static thread_local std::array<char, kMessageSize> buffer;
    for (int i = 0; i < kMessagesMax; ++i) {
      const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0) {
        if (errno != EAGAIN && errno != EINTR) {
          broken(errno);
        }
        return;
      }
      const std::string_view message(buffer.data(), static_cast<std::size_t>(size));
      if (const auto taken = outstanding_.take(message)) {
        if (taken->same_case) {
          pool_.events_.on_message(taken->attempt, message);
        } else {
          pool_.events_.on_other_case(taken->attempt);
        }
        pool_.close_if_done(*this);
      }
    }
  }

 private:
  // Full buffers are as good as a datagram lost on its way.
  bool send_once(const Bytes& bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0 || errno == EAGAIN ||
           errno == ENOBUFS;
  }

  // The upstream's machine says that nobody listens there, or a router that it is out of reach.
  void broken(int error) {
    const std::vector<Attempt> attempts = outstanding_.take_all();
    pool_.retire(*this);
    if (!attempts.empty()) {
      pool_.events_.on_broken(attempts, false, std::strerror(error));
    }
  }

  UdpPool& pool_;
  dsl::env::UniqueFd fd_;
  Outstanding outstanding_;
  int uses_ = 0;
};

UdpPool::UdpPool(dsl::net::Loop& loop, const dsl::env::SocketAddress& upstream, RandomPool& random,
                 std::size_t sockets_max, ChannelEvents& events)
    : loop_(loop),
      upstream_(upstream),
      random_(random),
      sockets_max_(std::max<std::size_t>(sockets_max, 1)),
      events_(events) {}

UdpPool::~UdpPool() {
  for (const auto* sockets : {&sockets_, &retired_}) {
    for (const auto& socket : *sockets) {
      loop_.remove(socket->fd());
    }
  }
}

Result<UdpPool::Place> UdpPool::send(Attempt attempt, const Packet& packet, LetterCase letters) {
  MC_ASSIGN(UdpSocket * socket, choose());
  auto id = socket->send(attempt, packet, random_, letters);
  if (socket->used_up()) {
    retire(*socket);
  }
  MC_ASSIGN(const std::uint16_t place, std::move(id));
  return Place{socket, place};
}

void UdpPool::forget(const Place& place) {
  place.socket->remove(place.id);
  close_if_done(*place.socket);
}

Result<UdpSocket*> UdpPool::choose() {
  const std::size_t at = random_.below(sockets_max_);
  if (at < sockets_.size()) {
    return sockets_[at].get();
  }
  auto socket = open();
  if (!socket && !sockets_.empty()) {
    return sockets_[random_.below(sockets_.size())].get();
  }
  MC_ASSIGN(auto opened, std::move(socket));
  sockets_.push_back(std::move(opened));
  return sockets_.back().get();
}

Result<std::unique_ptr<UdpSocket>> UdpPool::open() {
  dsl::env::UniqueFd fd(::socket(upstream_.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // To connect binds, to a port that the kernel draws from its random numbers.
  if (!fd || ::connect(fd.get(), upstream_.raw(), upstream_.size) != 0) {
    return fail(dsl::env::errno_error(errno, "connect to", dsl::env::to_text(upstream_)));
  }
  auto socket = std::make_unique<UdpSocket>(*this, std::move(fd));
  MC_TRY(loop_.add(socket->fd(), EPOLLIN, *socket));
  return socket;
}

// Not used for further questions.
void UdpPool::retire(UdpSocket& socket) {
  const auto at = std::find_if(sockets_.begin(), sockets_.end(),
                               [&](const auto& each) { return each.get() == &socket; });
  if (at != sockets_.end()) {
    retired_.push_back(std::move(*at));
    sockets_.erase(at);
  }
  close_if_done(socket);
}

void UdpPool::close_if_done(UdpSocket& socket) {
  const auto at = std::find_if(retired_.begin(), retired_.end(),
                               [&](const auto& each) { return each.get() == &socket; });
  if (at == retired_.end() || !socket.idle()) {
    return;
  }
  loop_.remove(socket.fd());
  loop_.retire(std::move(*at));  // it may be the one that is at work
  retired_.erase(at);
}

}  // namespace mcns
