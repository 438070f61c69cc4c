#include "mcp/agent/held_socket.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/pidfd.h"
#include "dsl/env/socket_address.h"
#include "mcp/agent/port_probe.h"
#include "mcp/model/codes.h"
#include "mcp/model/words.h"
#include "mcp/runtime/liveness.h"

namespace mcp::agent {

using dsl::Code;
using dsl::fail;
using dsl::env::SocketAddress;
using dsl::env::UniqueFd;

namespace {

constexpr int kReceiveBuffer = 4 << 20;  // bytes; the kernel cuts it to net.core.rmem_max
constexpr int kBacklog = 1024;           // connections that wait; cut to net.core.somaxconn
// Linux 5.14; the headers of the distribution may be older than the kernel.
constexpr int kNetnsCookie = 71;  // SO_NETNS_COOKIE

Result<SocketAddress> address_of(const model::Socket& socket) {
  return dsl::env::parse_socket_address(dsl::env::join_host_port(socket.host_ip, socket.host));
}

int type_of(const model::Socket& socket) {
  return socket.protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM;
}

void set(int fd, int level, int option, int value) {
  // Each makes things better and is not needed.
  (void)::setsockopt(fd, level, option, &value, sizeof(value));
}

dsl::Failure bind_failure(int error, const model::Socket& socket) {
  const std::string shown = model::format_listen(socket);
  if (error == EADDRINUSE) {
    const std::string holder = port_holder(socket.host_ip, socket.host, socket.protocol);
    return fail(Code::kConflict, "the socket {} is taken{}", shown,
                holder.empty() ? "" : dsl::text(": {} holds it", holder))
        .id(model::code::kPortTaken)
        .hint(
            "stop who holds it, or change `listen` of the definition; mcp ports shows the owners "
            "among the services, ss -lntup on the node every other");
  }
  if (error == EACCES || error == EPERM) {
    return fail(Code::kPermissionDenied, "no right to listen on {}", shown)
        .id(model::code::kPrivilegedPorts)
        .hint(dsl::text("as root: sysctl -w net.ipv4.ip_unprivileged_port_start={}", socket.host));
  }
  if (error == EADDRNOTAVAIL) {
    return fail(Code::kUnavailable, "{} is no address of this node now", shown)
        .hint("bring its interface up (mcp doctor), or change `listen` of the definition");
  }
  return fail(dsl::env::errno_error(error, "listen on", shown));
}

// Both close-on-exec by themselves.
UniqueFd open_process(int pid) { return UniqueFd(::pidfd_open(pid, 0)); }
UniqueFd descriptor_of(const UniqueFd& process, int number) {
  return UniqueFd(::pidfd_getfd(process.get(), number, 0));
}

// Zero when the kernel does not tell.
std::uint64_t netns_cookie(int fd) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return ::getsockopt(fd, SOL_SOCKET, kNetnsCookie, &cookie, &size) == 0 ? cookie : 0;
}

bool is_in_our_network(int fd) {
  const UniqueFd own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return own && netns_cookie(own.get()) == netns_cookie(fd);
}

int option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

Result<UniqueFd> bind_socket(const model::Socket& socket) {
  MC_ASSIGN(const SocketAddress address, address_of(socket));
  UniqueFd fd(::socket(address.family(), type_of(socket) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    return fail(dsl::env::errno_error(errno, "make", "a socket"));
  }
  if (address.family() == AF_INET6) {
    set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);  // so that 0.0.0.0 can stand beside [::]
  }
  if (type_of(socket) == SOCK_STREAM) {
    set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // not for UDP: two could share the port then
  } else {
    set(fd.get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  }
  if (::bind(fd.get(), address.raw(), address.size) != 0 ||
      (type_of(socket) == SOCK_STREAM && ::listen(fd.get(), kBacklog) != 0)) {
    return bind_failure(errno, socket);
  }
  return fd;
}

bool is_bound_as(int fd, const model::Socket& socket) {
  const Result<SocketAddress> wanted = address_of(socket);
  return wanted && option(fd, SO_TYPE) == type_of(socket) &&
         (type_of(socket) == SOCK_DGRAM || option(fd, SO_ACCEPTCONN) == 1) &&
         dsl::env::to_text(dsl::env::local_address(fd)) == dsl::env::to_text(*wanted) &&
         is_in_our_network(fd);
}

std::vector<TakenSocket> take_from_process(const runtime::Proc& proc, int first,
                                           const std::vector<model::Socket>& wanted) {
  std::vector<TakenSocket> taken;
  const auto complete = [&](std::size_t place) {
    return std::any_of(taken.begin(), taken.end(),
                       [&](const TakenSocket& socket) { return socket.wanted == place; });
  };
  std::set<int> members{first};
  for (bool grew = true; grew;) {
    grew = false;
    for (const int pid : proc.pids()) {
      const auto stat = proc.stat(pid);
      grew |= stat && members.contains(stat->parent) && members.insert(pid).second;
    }
  }
  for (const int pid : members) {
    const UniqueFd process = open_process(pid);
    // Looked at after it was opened: a number that went to another process is another's child.
    const auto stat = proc.stat(pid);
    if (!process || !stat || !stat->alive() || (pid != first && !members.contains(stat->parent))) {
      continue;
    }
    for (const int number : proc.sockets(pid)) {
      UniqueFd fd = descriptor_of(process, number);
      for (std::size_t place = 0; fd && place < wanted.size(); ++place) {
        if (!complete(place) && is_bound_as(fd.get(), wanted[place])) {
          taken.push_back({place, std::move(fd)});
          break;
        }
      }
    }
  }
  return taken;
}

std::vector<TakenSocket> take_from_container(const runtime::Proc& proc,
                                             const runtime::Container& container,
                                             const std::vector<model::Socket>& wanted) {
  // Its parent is the monitor that names the container: no other process passes for it.
  const auto is_its_own = [&] {
    return container.state == runtime::State::kRunning && container.pid > 0 &&
           runtime::LivenessPass(proc, geteuid()).check(container).state !=
               runtime::Liveness::State::kStale;
  };
  if (!is_its_own()) {
    return {};
  }
  std::vector<TakenSocket> taken = take_from_process(proc, container.pid, wanted);
  return is_its_own() ? std::move(taken) : std::vector<TakenSocket>();
}

}  // namespace mcp::agent
