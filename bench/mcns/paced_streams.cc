// Questions at a fixed rate over many connections that stay, one under way on each: what clients
// notice of a server that is replaced meanwhile.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loads.h"

namespace bench {
namespace {

constexpr double kTail_s = 5;  // for answers after the last question

// One connection, made again when the server ends it. Confined to its thread.
class Client {
 public:
  Client(const sockaddr_in& server, Measured& measured) : server_(server), measured_(measured) {
    connect();
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int fd() const { return fd_; }
  bool is_waiting() const { return !question_.empty(); }

  void ask(std::string_view query, double now) {
    question_.assign({static_cast<char>(query.size() >> 8U), static_cast<char>(query.size())});
    question_ += query;
    asked_at_ = now;
    send();
  }

  // Whether an answer came; `took` is then its time since it was first asked for.
  bool receive(double& took) {
    const ssize_t got = ::recv(fd_, in_.data() + filled_, in_.size() - filled_, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return false;
    }
    if (got <= 0) {
      ended(got < 0);
      return false;
    }
    filled_ += static_cast<std::size_t>(got);
    const std::size_t size = (std::size_t{static_cast<unsigned char>(in_[0])} << 8U) |
                             static_cast<unsigned char>(in_[1]);
    if (filled_ < 2 || filled_ < 2 + size) {
      return false;
    }
    measured_.failed += filled_ == 2 + size && is_good(in_.data() + 2, size) ? 0U : 1U;
    ++measured_.answered;
    filled_ = 0;
    question_.clear();
    took = now_s() - asked_at_;
    return true;
  }

 private:
  void connect() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server_), sizeof server_) != 0) {
      die(std::string("cannot connect: ") + std::strerror(errno));
    }
  }

  void send() {
    // A question is small and alone on its connection, so the kernel takes it whole; one that it
    // does not take finds out that the connection has ended when it is read.
    (void)!::send(fd_, question_.data(), question_.size(), MSG_NOSIGNAL);
  }

  // RFC 7766 section 6.2.4: what was not answered is asked again over a new connection.
  void ended(bool by_reset) {
    ++measured_.closed;
    measured_.reset += by_reset ? 1U : 0U;
    measured_.broken += filled_ > 0 ? 1U : 0U;
    filled_ = 0;
    ::close(fd_);
    connect();
    if (is_waiting()) {
      ++measured_.asked_again;
      send();
    }
  }

  const sockaddr_in server_;
  Measured& measured_;
  int fd_ = -1;
  std::string question_;  // with its length; empty when nothing is under way
  double asked_at_ = 0;
  std::string in_ = std::string(4096, '\0');
  std::size_t filled_ = 0;
};

}  // namespace

Measured streams_at_rate(const Load& load, const Queries& queries) {
  Measured out;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<pollfd> polls(load.sockets);
  for (unsigned i = 0; i < load.sockets; ++i) {
    clients.push_back(std::make_unique<Client>(load.server, out));
  }
  const double begin = now_s();
  double end = begin + load.seconds;
  double due = begin;
  double longest_s = 0;
  std::size_t turn = 0;
  for (double now = begin; now < end + kTail_s; now = now_s()) {
    if (load.until_stopped && now < end && has_ended(STDIN_FILENO)) {
      end = now;
    }
    // Clients that all wait are asked for no more: the rate is then what the server answers.
    for (std::size_t tried = 0; due <= now && due < end && tried < clients.size(); ++tried) {
      Client& client = *clients[turn++ % clients.size()];
      if (!client.is_waiting()) {
        client.ask(queries.next(), now);
        ++out.sent;
        due += 1 / load.rate;
      }
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      polls[i] = {clients[i]->fd(), POLLIN, 0};
    }
    ::poll(polls.data(), static_cast<nfds_t>(polls.size()), 1);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      double took = 0;
      if (polls[i].revents != 0 && clients[i]->receive(took)) {
        longest_s = std::max(longest_s, took);
      }
    }
    if (now >= end && out.answered >= out.sent) {
      break;
    }
  }
  out.seconds = end - begin;
  out.longest_gap_ms = longest_s * 1e3;
  return out;
}

}  // namespace bench
