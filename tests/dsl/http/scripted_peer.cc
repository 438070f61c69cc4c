#include "scripted_peer.h"

#include <cstdio>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

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

// A fresh key and self-signed certificate, both in `context`; the certificate also in `path`.
void make_certificate(SSL_CTX* context, const std::string& name, const std::string& path) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("scripted peer"), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  X509_set_pubkey(certificate, key);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen(path.c_str(), "w");
  MC_ASSERT(file != nullptr && PEM_write_X509(file, certificate) == 1, "write a certificate");
  std::fclose(file);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
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
                                                   const std::string& certificate_path,
                                                   Serve serve) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  make_certificate(context, name, certificate_path);
  Target target;
  target.kind = Target::Kind::kTls;
  target.address = "127.0.0.1";
  target.server_name = name;
  target.ca_file = certificate_path;
  env::UniqueFd fd = loopback_listener(target.port);
  return std::unique_ptr<ScriptedPeer>(
      new ScriptedPeer(std::move(fd), std::move(target), std::move(serve), context));
}

ScriptedPeer::ScriptedPeer(env::UniqueFd listener, Target target, Serve serve, void* tls_context)
    : listener_(std::move(listener)),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      target_(std::move(target)),
      serve_(std::move(serve)),
      tls_context_(tls_context),
      thread_([this] { run(); }) {}

ScriptedPeer::~ScriptedPeer() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
  SSL_CTX_free(static_cast<SSL_CTX*>(tls_context_));
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
    if (tls_context_ != nullptr) {
      ssl = SSL_new(static_cast<SSL_CTX*>(tls_context_));
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
