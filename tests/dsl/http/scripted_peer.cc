#include "scripted_peer.h"

#include <cstring>
#include <fstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "support/result_matchers.h"
#include "support/test_ca.h"

namespace dsl::http::test {

namespace {

constexpr int kGiveUpMs = 10000;  // a hung test fails instead of hanging the suite

class FdConnection : public PeerConnection {
 public:
  FdConnection(env::UniqueFd fd, SSL* ssl) : fd_(std::move(fd)), ssl_(ssl) {}
  ~FdConnection() override {
    if (ssl_ != nullptr) {
      SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
  }

  std::string read_request() override {
    std::size_t head_end = std::string::npos;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) {
        return "";
      }
    }
    const std::string head = buffer_.substr(0, head_end);
    std::size_t total = head_end + 4;
    if (const auto at = head.find("Content-Length: "); at != std::string::npos) {
      total += std::stoul(head.substr(at + 16));
      while (buffer_.size() < total && read_more()) {
      }
    } else if (head.find("chunked") != std::string::npos) {
      std::size_t end = std::string::npos;
      while ((end = buffer_.find("0\r\n\r\n", head_end + 4)) == std::string::npos && read_more()) {
      }
      total = end + 5;
    }
    std::string request = buffer_.substr(0, total);
    buffer_.erase(0, total);
    return request;
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto count =
          ssl_ != nullptr
              ? static_cast<ssize_t>(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())))
              : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void wait_closed() override {
    while (read_more()) {
    }
  }

 private:
  bool read_more() {
    char piece[4096];
    pollfd entry{fd_.get(), POLLIN, 0};
    if ((ssl_ == nullptr || SSL_pending(ssl_) == 0) && ::poll(&entry, 1, kGiveUpMs) != 1) {
      return false;
    }
    const auto count = ssl_ != nullptr ? static_cast<ssize_t>(SSL_read(ssl_, piece, sizeof piece))
                                       : ::recv(fd_.get(), piece, sizeof piece, 0);
    if (count <= 0) {
      return false;
    }
    buffer_.append(piece, static_cast<std::size_t>(count));
    return true;
  }

  env::UniqueFd fd_;
  SSL* ssl_;
  std::string buffer_;
};

env::UniqueFd loopback_listener(std::uint16_t& port) {
  env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  MC_ASSERT(::bind(fd.get(), raw, size) == 0 && ::listen(fd.get(), 8) == 0 &&
                ::getsockname(fd.get(), raw, &size) == 0,
            "a loopback listener");
  port = ntohs(address.sin_port);
  return fd;
}

void write_file(const std::string& path, const std::string& content) {
  MC_ASSERT(std::ofstream(path).write(content.data(), static_cast<std::streamsize>(content.size())),
            "a test's folder can be written");
}

// Of a fresh authority, whose certificate goes to `ca_path`; the pair lies beside it.
tls::Context make_context(const std::string& name, const std::string& ca_path) {
  const dsl::test::TestCa ca;
  const dsl::test::IssuedPair pair = ca.issue({.names = {name}});
  const tls::PairFiles files{ca_path + ".leaf", ca_path + ".key"};
  write_file(ca_path, ca.pem());
  write_file(files.cert, pair.cert_pem);
  write_file(files.key, pair.key_pem);
  return dsl::test::require_ok(tls::ServerCredentials::open(env::system_env(), {.pairs = {files}}))
      ->current();
}

}  // namespace

std::unique_ptr<ScriptedPeer> ScriptedPeer::on_unix(const std::string& path, Serve serve) {
  env::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  MC_ASSERT(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                ::listen(fd.get(), 8) == 0,
            "a unix listener");
  Target target;
  target.kind = Target::Kind::kUnix;
  target.address = path;
  return std::unique_ptr<ScriptedPeer>(
      new ScriptedPeer(std::move(fd), std::move(target), std::move(serve), nullptr));
}

std::unique_ptr<ScriptedPeer> ScriptedPeer::on_tcp(Serve serve) {
  Target target;
  target.address = "127.0.0.1";
  env::UniqueFd fd = loopback_listener(target.port);
  return std::unique_ptr<ScriptedPeer>(
      new ScriptedPeer(std::move(fd), std::move(target), std::move(serve), nullptr));
}

std::unique_ptr<ScriptedPeer> ScriptedPeer::on_tls(const std::string& name,
                                                   const std::string& ca_path, Serve serve) {
  tls::Context context = make_context(name, ca_path);
  Target target;
  target.kind = Target::Kind::kTls;
  target.address = "127.0.0.1";
  target.server_name = name;
  target.ca_file = ca_path;
  env::UniqueFd fd = loopback_listener(target.port);
  return std::unique_ptr<ScriptedPeer>(
      new ScriptedPeer(std::move(fd), std::move(target), std::move(serve), std::move(context)));
}

ScriptedPeer::ScriptedPeer(env::UniqueFd listener, Target target, Serve serve, tls::Context context)
    : listener_(std::move(listener)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      target_(std::move(target)),
      serve_(std::move(serve)),
      context_(std::move(context)),
      thread_([this] { run(); }) {}

ScriptedPeer::~ScriptedPeer() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void ScriptedPeer::run() {
  while (true) {
    pollfd entries[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    (void)::poll(entries, 2, -1);
    if (entries[1].revents != 0) {
      return;
    }
    env::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) {
      continue;
    }
    SSL* ssl = nullptr;
    if (context_) {
      ssl = SSL_new(context_.get());
      SSL_set_fd(ssl, fd.get());
      if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        continue;
      }
    }
    FdConnection connection(std::move(fd), ssl);
    serve_(connection, accepted_++);
  }
}

}  // namespace dsl::http::test
