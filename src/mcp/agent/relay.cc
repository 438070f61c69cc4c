#include "mcp/agent/relay.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "mcp/model/codes.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::env::UniqueFd;

namespace {

constexpr std::size_t kBufferBytes = 64u << 10;

// Not blocking for the life of this; others may share the open file.
class NonBlocking {
 public:
  explicit NonBlocking(int fd) : fd_(fd), before_(::fcntl(fd, F_GETFL)) {
    (void)::fcntl(fd_, F_SETFL, before_ | O_NONBLOCK);  // where it fails, the first read tells
  }
  ~NonBlocking() { (void)::fcntl(fd_, F_SETFL, before_); }
  NonBlocking(const NonBlocking&) = delete;
  NonBlocking& operator=(const NonBlocking&) = delete;

 private:
  const int fd_;
  const int before_;
};

bool try_later() { return errno == EAGAIN || errno == EINTR; }

// One way: reads only once all that was read is written, so the buffer bounds what is on the way.
class Way {
 public:
  Way(int from, int to) : from_(from), to_(to) {}

  bool wants_to_read() const { return !source_ended_ && pending() == 0; }
  bool wants_to_write() const { return !sink_gone_ && pending() > 0; }
  bool sink_gone() const { return sink_gone_; }
  // Everything that will ever come has been written, or cannot be.
  bool finished() const { return sink_gone_ || (source_ended_ && pending() == 0); }
  void lose_sink() { sink_gone_ = true; }

  void read() {
    const ssize_t size = ::read(from_, buffer_.data(), buffer_.size());
    if (size > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(size);
    } else if (size == 0 || !try_later()) {
      source_ended_ = true;
    }
  }

  void write() {
    const ssize_t size = ::write(to_, buffer_.data() + begin_, pending());
    if (size > 0) {
      begin_ += static_cast<std::size_t>(size);
    } else if (size < 0 && !try_later()) {
      sink_gone_ = true;
    }
  }

 private:
  std::size_t pending() const { return end_ - begin_; }

  const int from_;
  const int to_;
  std::array<char, kBufferBytes> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool source_ended_ = false;
  bool sink_gone_ = false;
};

short events(bool read, bool write) {
  return static_cast<short>((read ? POLLIN : 0) | (write ? POLLOUT : 0));
}

void carry(int socket, int in, int out) {
  Way up(in, socket);
  Way down(socket, out);
  bool agent_gone = false;  // as opposed to: will say no more
  bool end_passed_on = false;
  while (!down.sink_gone() && !(down.finished() && (up.finished() || agent_gone))) {
    // poll skips negative descriptors; it tells of a hang-up unasked, and then for ever.
    const bool socket_quiet = agent_gone && !down.wants_to_read() && !up.wants_to_write();
    std::array<pollfd, 3> waits{
        {{up.wants_to_read() ? in : -1, POLLIN, 0},
         {socket_quiet ? -1 : socket, events(down.wants_to_read(), up.wants_to_write()), 0},
         {out, events(false, down.wants_to_write()), 0}}};
    (void)::poll(waits.data(), waits.size(), -1);  // EINTR: nothing is ready, look again
    agent_gone = agent_gone || (waits[1].revents & (POLLHUP | POLLERR)) != 0;
    if (waits[0].revents != 0) {
      up.read();
    }
    if (waits[1].revents != 0 && down.wants_to_read()) {
      down.read();
    }
    if (up.wants_to_write()) {
      up.write();
    }
    if (down.wants_to_write()) {
      down.write();
    } else if ((waits[2].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      down.lose_sink();
    }
    if (up.finished() && !end_passed_on) {
      (void)::shutdown(socket, SHUT_WR);  // fails only when the agent has gone, which `down` sees
      end_passed_on = true;
    }
  }
}

Result<UniqueFd> connect_to(const std::string& path) {
  MC_ASSIGN(const dsl::env::SocketAddress address, dsl::env::unix_socket_address(path));
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), address.raw(), address.size) == 0) {
    return socket;
  }
  if (errno == EACCES || errno == EPERM) {
    return fail(Code::kPermissionDenied, "you may not use the agent's socket {}", path)
        .hint("sign in as root, as the agent's user, or as a member of the socket's group")
        .id(model::code::kNotAllowed);
  }
  return fail(Code::kUnavailable, "no agent answers at {}: {}", path, std::strerror(errno))
      .hint("is it running? `systemctl status mcp-agent`; `mcp-agent doctor` checks the node")
      .id(model::code::kAgentUnreachable);
}

}  // namespace

Result<void> relay(const std::string& path, int in, int out) {
  MC_ASSIGN(const UniqueFd socket, connect_to(path));
  const NonBlocking quick_socket(socket.get());
  const NonBlocking quick_in(in);
  const NonBlocking quick_out(out);
  carry(socket.get(), in, out);
  return {};
}

}  // namespace mcp::agent
