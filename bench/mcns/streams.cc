// Questions pipelined over TCP connections that stay, as RFC 7766 wants it.
#include <cerrno>
#include <cstring>
#include <memory>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loads.h"

namespace bench {
namespace {

// One connection. Confined to its thread.
class Stream {
 public:
  explicit Stream(const sockaddr_in& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
      die(std::string("cannot connect: ") + std::strerror(errno));
    }
  }
  ~Stream() { ::close(fd_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int fd() const { return fd_; }
  unsigned under_way() const { return under_way_; }

  void add(std::string_view query) {
    out_.push_back(static_cast<char>(query.size() >> 8U));
    out_.push_back(static_cast<char>(query.size()));
    out_ += query;
    ++under_way_;
  }

  void flush() {
    while (!out_.empty()) {
      const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
      }
      if (sent <= 0) {
        die("the server closed a connection");
      }
      out_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  // Answers that have arrived whole.
  unsigned receive(Measured& measured) {
    const ssize_t got = ::recv(fd_, in_.data() + filled_, in_.size() - filled_, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return 0;
    }
    if (got <= 0) {
      die("the server closed a connection");
    }
    filled_ += static_cast<std::size_t>(got);
    std::size_t at = 0;
    unsigned taken = 0;
    while (filled_ - at >= 2) {
      const std::size_t size =
          (static_cast<std::size_t>(static_cast<unsigned char>(in_[at])) << 8U) |
          static_cast<unsigned char>(in_[at + 1]);
      if (filled_ - at < 2 + size) {
        break;
      }
      measured.failed += is_good(in_.data() + at + 2, size) ? 0U : 1U;
      at += 2 + size;
      ++taken;
    }
    std::memmove(in_.data(), in_.data() + at, filled_ - at);
    filled_ -= at;
    under_way_ -= taken;
    measured.answered += taken;
    return taken;
  }

 private:
  int fd_;
  std::string out_;
  std::vector<char> in_ = std::vector<char>(1U << 18U);
  std::size_t filled_ = 0;
  unsigned under_way_ = 0;
};

}  // namespace

Measured streams(const Load& load, const Queries& queries) {
  std::vector<std::unique_ptr<Stream>> all;
  std::vector<pollfd> polls;
  for (unsigned i = 0; i < load.sockets; ++i) {
    all.push_back(std::make_unique<Stream>(load.server));
    polls.push_back({all.back()->fd(), POLLIN, 0});
  }

  Measured out;
  double now = now_s();
  double begin = now + load.warmup_s;
  const double end = begin + load.seconds;
  bool counting = false;
  double cpu = 0;
  while (now < end) {
    bool idle = true;
    for (const auto& stream : all) {
      idle = stream->receive(out) == 0 && idle;
      // Half a window at a time, so that questions arrive many in a segment.
      if (stream->under_way() <= load.window / 2) {
        while (stream->under_way() < load.window) {
          stream->add(queries.next());
          ++out.sent;
        }
      }
      stream->flush();
    }
    if (idle) {
      ::poll(polls.data(), static_cast<nfds_t>(polls.size()), 1);
    }
    now = now_s();
    if (!counting && now >= begin) {
      counting = true;
      out = Measured();
      cpu = processor_seconds(load.pids);
      begin = now;
    }
  }
  out.seconds = now - begin;
  out.cpu_seconds = processor_seconds(load.pids) - cpu;
  return out;
}

}  // namespace bench
