#include "dsl/rpc/own_sockets.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dsl/env/unique_fd.h"

namespace dsl::rpc {

namespace {

constexpr std::string_view kMapped = "::ffff:";  // an IPv4 address, as gRPC binds it

std::string plain_host(const env::SocketAddress& address) {
  std::string host = env::host_of(address);
  return host.starts_with(kMapped) ? host.substr(kMapped.size()) : host;
}

std::string unix_path(const env::SocketAddress& address) {
  sockaddr_un name{};
  std::memcpy(&name, &address.storage, std::min<std::size_t>(address.size, sizeof(name)));
  return {name.sun_path, ::strnlen(name.sun_path, sizeof(name.sun_path))};
}

bool is_at(const env::SocketAddress& local, const env::SocketAddress& own) {
  if (local.family() == AF_UNIX || own.family() == AF_UNIX) {
    return local.family() == own.family() && unix_path(local) == unix_path(own);
  }
  const std::string host = plain_host(own);
  return env::port_of(local) == env::port_of(own) &&
         (host == "0.0.0.0" || host == "::" || host == plain_host(local));
}

bool is_listener(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

std::vector<int> open_descriptors() {
  std::vector<int> out;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) {
    return out;
  }
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    int fd = -1;
    if (std::from_chars(name.begin(), name.end(), fd).ec == std::errc() && fd != ::dirfd(folder)) {
      out.push_back(fd);
    }
  }
  ::closedir(folder);
  return out;
}

}  // namespace

void shut_own_sockets(const std::vector<env::SocketAddress>& addresses, OwnSockets which) {
  for (const int fd : open_descriptors()) {
    // Another thread may close the number, and get it again for something else: what is looked at
    // is what is shut.
    const env::UniqueFd held(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    const env::SocketAddress local = held ? env::local_address(held.get()) : env::SocketAddress();
    const bool is_ours = local.size > 0 && std::any_of(addresses.begin(), addresses.end(),
                                                       [&](const env::SocketAddress& own) {
                                                         return is_at(local, own);
                                                       });
    if (is_ours && is_listener(held.get()) == (which == OwnSockets::kListeners)) {
      (void)::shutdown(held.get(), SHUT_RDWR);  // its other end may have gone
    }
  }
}

}  // namespace dsl::rpc
