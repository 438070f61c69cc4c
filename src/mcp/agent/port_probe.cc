#include "mcp/agent/port_probe.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dsl/result/text.h"

namespace mcp::agent {

namespace {

struct Listener {
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
};

// /proc/net/{tcp,udp}: local address in hex, host byte order for the address; state 0A is LISTEN,
// 07 an unconnected UDP socket.
std::optional<Listener> find_listener(const std::string& ip, std::uint16_t port, bool udp) {
  in_addr wanted{};
  const bool any = ip.empty() || ip == "0.0.0.0";
  if (!any && inet_pton(AF_INET, ip.c_str(), &wanted) != 1) {
    return std::nullopt;
  }
  std::ifstream table(udp ? "/proc/net/udp" : "/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    unsigned address = 0;
    unsigned local_port = 0;
    unsigned state = 0;
    unsigned uid = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.c_str(), " %*d: %8X:%4X %*8X:%*4X %2X %*s %*s %*s %u %*d %llu", &address,
                    &local_port, &state, &uid, &inode) != 5) {
      continue;
    }
    const bool listens = state == (udp ? 0x07U : 0x0AU);
    if (listens && local_port == port && (any || address == 0 || address == wanted.s_addr)) {
      return Listener{inode, uid};
    }
  }
  return std::nullopt;
}

// The process of ours (or anyone's, as root) that has the socket open.
std::string process_of(std::uint64_t inode) {
  const std::string wanted = dsl::text("socket:[{}]", inode);
  DIR* proc = opendir("/proc");
  if (proc == nullptr) {
    return "";
  }
  std::string found;
  while (const dirent* entry = readdir(proc)) {
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string directory = "/proc/" + pid + "/fd";
    DIR* fds = opendir(directory.c_str());
    if (fds == nullptr) {
      continue;
    }
    while (const dirent* fd = readdir(fds)) {
      char target[64];
      const ssize_t size =
          readlink((directory + "/" + fd->d_name).c_str(), target, sizeof target - 1);
      if (size > 0 && std::string_view(target, static_cast<std::size_t>(size)) == wanted) {
        std::ifstream comm("/proc/" + pid + "/comm");
        std::string name;
        std::getline(comm, name);
        found = dsl::text("{} (pid {})", name, pid);
        break;
      }
    }
    closedir(fds);
    if (!found.empty()) {
      break;
    }
  }
  closedir(proc);
  return found;
}

}  // namespace

bool port_is_free(const std::string& ip, std::uint16_t port, const std::string& protocol) {
  const bool v6 = ip.find(':') != std::string::npos;
  const int fd = socket(v6 ? AF_INET6 : AF_INET,
                        (protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  // As the forwarder does: a connection in TIME_WAIT does not hold the port.
  const int one = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  int bound = -1;
  if (v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    inet_pton(AF_INET6, ip.c_str(), &address.sin6_addr);
    bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (!ip.empty()) {
      inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
    }
    bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  // SO_REUSEADDR lets two UDP sockets share a port on Linux; a listener in the table decides then.
  const bool free = bound == 0 && !find_listener(ip, port, protocol == "udp");
  close(fd);
  return free;
}

std::string port_holder(const std::string& ip, std::uint16_t port, const std::string& protocol) {
  const std::optional<Listener> listener = find_listener(ip, port, protocol == "udp");
  if (!listener) {
    return "";
  }
  const std::string process = process_of(listener->inode);
  return process.empty() ? dsl::text("a process of uid {}", listener->uid) : process;
}

}  // namespace mcp::agent
