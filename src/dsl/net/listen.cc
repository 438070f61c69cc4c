#include "dsl/net/listen.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>

#include "dsl/env/errno_error.h"

namespace dsl::net {

namespace {

Failure listen_failure(int number, const env::SocketAddress& address) {
  const std::string where = to_text(address);
  if (number == EADDRINUSE) {
    return fail(Code::kConflict, "cannot listen on {}: the port is taken", where)
        .hint(text(
            "stop what listens there (`ss -ltnp sport = :{}` names it), or set another address",
            port_of(address)));
  }
  if (number == EACCES) {
    return fail(Code::kPermissionDenied, "cannot listen on {}: no permission", where)
        .hint("ports below 1024 need CAP_NET_BIND_SERVICE or a socket from systemd");
  }
  if (number == EADDRNOTAVAIL) {
    return fail(Code::kFailedPrecondition, "cannot listen on {}: not an address of this machine",
                where)
        .hint("`ip address` lists them");
  }
  return fail(env::errno_error(number, "listen on", where));
}

bool set_flag(int fd, int level, int name) {
  const int on = 1;
  return ::setsockopt(fd, level, name, &on, sizeof on) == 0;
}

}  // namespace

Result<env::UniqueFd> listen_on(const env::SocketAddress& address, const ListenOptions& options) {
  const int family = address.storage.ss_family;
  env::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // V6ONLY: [::]:443 and 0.0.0.0:443 are two listeners that do not meet.
  if (!fd || !set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR) ||
      (family == AF_INET6 && !set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
      (options.reuse_port && !set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT)) ||
      ::bind(fd.get(), address.raw(), address.size) != 0 ||
      ::listen(fd.get(), options.backlog) != 0) {
    return listen_failure(errno, address);
  }
  return fd;
}

Result<env::UniqueFd> adopt_listener(int number) {
  env::UniqueFd fd(number);
  int listening = 0;
  int type = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      ::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || listening == 0 ||
      type != SOCK_STREAM) {
    return fail(Code::kInvalidArgument, "descriptor {} is not a listening stream socket", number)
        .hint("a socket unit for it has ListenStream= and Accept=no");
  }
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return fail(env::errno_error(errno, "set flags of", text("descriptor {}", number)));
  }
  return fd;
}

void refuse_new(int listener) {
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  // Without it a connection of just this moment is reset: a pity, no error.
  (void)::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void ignore_sigpipe() {
  struct sigaction current {};
  if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
    current.sa_handler = SIG_IGN;
    (void)::sigaction(SIGPIPE, &current, nullptr);
  }
}

}  // namespace dsl::net
