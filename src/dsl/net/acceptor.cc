#include "dsl/net/acceptor.h"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "dsl/log/log.h"

namespace dsl::net {

namespace {

const log::Logger logger("net.accept");

constexpr int kBatchMax = 64;  // then the connections get their turn
constexpr std::chrono::milliseconds kRest{100};

}  // namespace

Acceptor::Acceptor(Loop& loop, int fd, ConnectionLimits* limits, OnAccept on_accept)
    : loop_(loop), fd_(fd), limits_(limits), on_accept_(std::move(on_accept)), retry_(loop, [this] {
        resume();
      }) {}

Result<std::unique_ptr<Acceptor>> Acceptor::open(Loop& loop, int fd, ConnectionLimits* limits,
                                                 OnAccept on_accept) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(loop, fd, limits, std::move(on_accept)));
  MC_TRY(loop.add(fd, EPOLLIN | EPOLLEXCLUSIVE, *acceptor));
  acceptor->open_ = true;
  return acceptor;
}

Acceptor::~Acceptor() {
  if (open_) {
    loop_.remove(fd_);
  }
}

void Acceptor::close() {
  if (!open_) {
    return;
  }
  while (accept_one() == Step::kAgain) {
  }
  loop_.remove(fd_);
  open_ = false;
}

void Acceptor::on_ready(std::uint32_t) {
  if (!open_) {
    return;
  }
  for (int i = 0; i < kBatchMax; ++i) {
    const Step step = accept_one();
    if (step == Step::kExhausted) {
      // Level-triggered: without a rest the loop would spin.
      loop_.remove(fd_);
      retry_.set(loop_.now() + kRest);
      return;
    }
    if (step == Step::kDone) {
      return;
    }
  }
}

void Acceptor::resume() {
  if (open_ && !loop_.add(fd_, EPOLLIN | EPOLLEXCLUSIVE, *this)) {
    retry_.set(loop_.now() + kRest);
  }
}

Acceptor::Step Acceptor::accept_one() {
  Accepted accepted;
  accepted.peer.size = sizeof accepted.peer.storage;
  accepted.fd = env::UniqueFd(
      ::accept4(fd_, accepted.peer.raw(), &accepted.peer.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!accepted.fd) {
    switch (errno) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        logger.warn("cannot accept connections: out of descriptors or memory",
                    {{"listener", to_text(env::local_address(fd_))}});
        return Step::kExhausted;
      case ECONNABORTED:
      case EINTR:
      case EPROTO:
        return Step::kAgain;  // this one has gone before we came
      default:
        return Step::kDone;
    }
  }
  if (limits_ != nullptr) {
    auto ticket = limits_->take(accepted.peer);
    if (!ticket) {
      logger.warn("refused a connection beyond the limits", {{"peer", host_of(accepted.peer)}});
      return Step::kAgain;
    }
    accepted.ticket = std::move(*ticket);
  }
  const int on = 1;
  (void)::setsockopt(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // not for unix
  on_accept_(std::move(accepted));
  return Step::kAgain;
}

}  // namespace dsl::net
