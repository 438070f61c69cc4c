#include "mcns/net/sockets.h"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/env/errno_error.h"
#include "dsl/env/socket_address.h"

namespace mcns::net {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::env::SocketAddress;
using dsl::env::UniqueFd;

constexpr int kReceiveBuffer = 4 << 20;  // bytes: some thousand queries while a worker is busy
constexpr int kBacklog = 1024;
constexpr int kPortTries = 20;

bool is_any(const SocketAddress& address) {
  const std::string host = dsl::env::host_of(address);
  return host == "0.0.0.0" || host == "::";
}

void set(int fd, int level, int option, int value) {
  // Each of them makes things better and is not needed: an old kernel goes on without.
  (void)::setsockopt(fd, level, option, &value, sizeof(value));
}

void tune(const DnsSocket& socket, int family) {
  const int fd = socket.fd.get();
  if (socket.transport == Transport::kTcp) {
    set(fd, IPPROTO_TCP, TCP_FASTOPEN, 256);
    return;
  }
  set(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  set(fd, SOL_SOCKET, SO_SNDBUF, kReceiveBuffer);
  if (socket.any_address) {
    family == AF_INET ? set(fd, IPPROTO_IP, IP_PKTINFO, 1)
                      : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
  // An answer is as large as EDNS allows, which no path has to be asked about; fragments that fake
  // it are not made (RFC 9715).
  set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

dsl::Failure bind_error(int error, const std::string& address, Transport transport) {
  const char* kind = transport == Transport::kUdp ? "UDP" : "TCP";
  if (error == EADDRINUSE) {
    return fail(Code::kConflict, "{} {} is taken by another program", kind, address)
        .hint(
            "ss -lunp shows who holds it; systemd-resolved holds port 53 of loopback: name the "
            "addresses to listen on in [dns] listen_addr");
  }
  if (error == EACCES || error == EPERM) {
    return fail(Code::kPermissionDenied, "no right to listen on {} {}", kind, address)
        .hint(
            "sysctl net.ipv4.ip_unprivileged_port_start=53, or CAP_NET_BIND_SERVICE, or a socket "
            "that is handed over (mcns-dns.socket)");
  }
  return fail(dsl::env::errno_error(error, "listen on", address));
}

Result<DnsSocket> bind_one(const SocketAddress& address, Transport transport) {
  const int type = transport == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  DnsSocket out;
  out.transport = transport;
  out.any_address = is_any(address);
  out.fd = UniqueFd(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!out.fd) {
    return fail(dsl::env::errno_error(errno, "make", "a socket"));
  }
  set(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, transport == Transport::kTcp ? 1 : 0);
  set(out.fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family() == AF_INET6) {
    set(out.fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  tune(out, address.family());
  if (::bind(out.fd.get(), address.raw(), address.size) != 0 ||
      (transport == Transport::kTcp && ::listen(out.fd.get(), kBacklog) != 0)) {
    return bind_error(errno, dsl::env::to_text(address), transport);
  }
  out.address = dsl::env::to_text(dsl::env::local_address(out.fd.get()));
  return out;
}

Result<std::vector<DnsSocket>> bind_all(SocketAddress address, int workers) {
  std::vector<DnsSocket> out;
  for (int i = 0; i < workers; ++i) {
    for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
      MC_ASSIGN(DnsSocket made, bind_one(address, transport));
      // The port that was found for 0 is that of all others.
      MC_ASSIGN(address, dsl::env::parse_socket_address(made.address));
      out.push_back(std::move(made));
    }
  }
  return out;
}

// SO_REUSEPORT would let two servers of the same user share a port and half of the questions each.
Result<void> check_free(const SocketAddress& address) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    const UniqueFd probe(::socket(address.family(), type | SOCK_CLOEXEC, 0));
    if (type == SOCK_STREAM) {
      set(probe.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (address.family() == AF_INET6) {
      set(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (probe && ::bind(probe.get(), address.raw(), address.size) != 0) {
      return bind_error(errno, dsl::env::to_text(address),
                        type == SOCK_DGRAM ? Transport::kUdp : Transport::kTcp);
    }
  }
  return {};
}

bool has_ipv6() {
  const UniqueFd probe(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return static_cast<bool>(probe);
}

}  // namespace

Result<std::vector<SocketAddress>> listen_addresses(const std::string& listen) {
  const bool is_everywhere = listen.rfind(':', 0) == 0;
  const std::vector<std::string> hosts =
      is_everywhere ? std::vector<std::string>{"0.0.0.0", "[::]"} : std::vector<std::string>{""};
  std::vector<SocketAddress> out;
  for (const std::string& host : hosts) {
    const auto address = dsl::env::parse_socket_address(host + listen);
    if (!address) {
      return fail(Code::kInvalidArgument, "\"{}\" is no address and port to listen on", listen)
          .hint("192.0.2.53:53, [2001:db8::53]:53, or :53 for every address");
    }
    out.push_back(*address);
  }
  return out;
}

Result<std::vector<DnsSocket>> bind_sockets(const std::vector<std::string>& listen, int workers) {
  std::vector<DnsSocket> out;
  for (const std::string& text : listen) {
    MC_ASSIGN(const std::vector<SocketAddress> addresses, listen_addresses(text));
    for (const SocketAddress& address : addresses) {
      if (addresses.size() > 1 && address.family() == AF_INET6 && !has_ipv6()) {
        continue;  // ":53" on a machine without IPv6
      }
      MC_TRY(check_free(address));
      auto bound = bind_all(address, workers);
      // A port that the kernel found for UDP may be somebody's for TCP: another one then.
      for (int tries = 0; !bound && dsl::env::port_of(address) == 0 && tries < kPortTries;
           ++tries) {
        bound = bind_all(address, workers);
      }
      if (!bound) {
        return tl::unexpected(bound.error());
      }
      std::move(bound->begin(), bound->end(), std::back_inserter(out));
    }
  }
  return out;
}

Result<DnsSocket> adopt_socket(UniqueFd fd) {
  DnsSocket out;
  int type = 0;
  int listening = 0;
  socklen_t size = sizeof(type);
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      ::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) {
    return fail(dsl::env::errno_error(errno, "take over", "a socket"));
  }
  const SocketAddress address = dsl::env::local_address(fd.get());
  const bool is_ip = address.family() == AF_INET || address.family() == AF_INET6;
  if (!is_ip || (type != SOCK_DGRAM && listening == 0)) {
    return fail(Code::kInvalidArgument, "a socket that was handed over is not for DNS")
        .hint("ListenDatagram= and ListenStream= with an address and port");
  }
  out.transport = type == SOCK_DGRAM ? Transport::kUdp : Transport::kTcp;
  out.address = dsl::env::to_text(address);
  out.any_address = is_any(address);
  const int flags = ::fcntl(fd.get(), F_GETFL);
  (void)::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);  // cannot fail on an open socket
  out.fd = std::move(fd);
  tune(out, address.family());
  return out;
}

}  // namespace mcns::net
