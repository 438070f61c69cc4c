#include "dsl/http/raw_client.h"

#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "support/result_matchers.h"

namespace dsl::http::test {

namespace {

constexpr int kGiveUpMs = 10000;  // a hung test fails instead of hanging the suite

}  // namespace

RawClient::RawClient(const std::string& address) {
  const env::SocketAddress to = dsl::test::require_ok(env::parse_socket_address(address));
  fd_ = env::UniqueFd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  MC_ASSERT(::connect(fd_.get(), to.raw(), to.size) == 0, "connect to the server under test");
}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void RawClient::end() { ::shutdown(fd_.get(), SHUT_WR); }

bool RawClient::more() {
  pollfd entry{fd_.get(), POLLIN, 0};
  char piece[16384];
  if (closed_ || ::poll(&entry, 1, kGiveUpMs) != 1) {
    return false;
  }
  const ssize_t count = ::recv(fd_.get(), piece, sizeof piece, 0);
  if (count <= 0) {
    closed_ = true;
    return false;
  }
  buffer_.append(piece, static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::until(std::string_view words) {
  std::size_t at = std::string::npos;
  while ((at = buffer_.find(words)) == std::string::npos) {
    if (!more()) {
      return std::exchange(buffer_, {});
    }
  }
  std::string out = buffer_.substr(0, at + words.size());
  buffer_.erase(0, out.size());
  return out;
}

std::string RawClient::response(bool head_request) {
  std::string out = until("\r\n\r\n");
  const bool empty = out.starts_with("HTTP/1.1 1") || out.starts_with("HTTP/1.1 204") ||
                     out.starts_with("HTTP/1.1 304") || head_request;
  if (const auto at = out.find("content-length: "); at != std::string::npos && !empty) {
    const std::size_t size = std::stoul(out.substr(at + 16));
    while (buffer_.size() < size && more()) {
    }
    out += buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else if (out.find("transfer-encoding: chunked") != std::string::npos && !empty) {
    out += until("0\r\n\r\n");
  }
  return out;
}

std::string RawClient::rest() {
  while (more()) {
  }
  return std::exchange(buffer_, {});
}

void RawClient::drop(bool reset) {
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  fd_.reset();
}

void RawClient::shrink_window() {
  const int size = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

}  // namespace dsl::http::test
