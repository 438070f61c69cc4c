#include "dsl/tls/peer.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/tls/openssl.h"
#include "dsl/tls/pair.h"

namespace dsl::tls {

namespace {

// One attempt: the connection, and how long all of it may take.
struct Attempt {
  env::Clock& clock;
  env::MonoTime deadline;
  env::UniqueFd fd;
};

Result<void> wait_for(const Attempt& attempt, short events) {
  pollfd one{attempt.fd.get(), events, 0};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(attempt.deadline -
                                                                          attempt.clock.mono_now())
                        .count();
  if (left <= 0 || ::poll(&one, 1, static_cast<int>(left)) <= 0) {
    return fail(Code::kUnavailable, "no answer in time");
  }
  return {};
}

Result<void> connect_to(const std::string& address, Attempt& attempt) {
  MC_ASSIGN(const env::SocketAddress target, env::parse_socket_address(address));
  attempt.fd =
      env::UniqueFd(::socket(target.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (::connect(attempt.fd.get(), target.raw(), target.size) != 0 && errno != EINPROGRESS) {
    return fail(Code::kUnavailable, "{}", std::strerror(errno));
  }
  MC_TRY(wait_for(attempt, POLLOUT));
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(attempt.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    return fail(Code::kUnavailable, "{}", std::strerror(error));
  }
  return {};
}

// Moves the bytes itself: OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and a peer that
// goes away would end the process.
class Wire {
 public:
  Wire(SSL* ssl, const Attempt& attempt)
      : attempt_(attempt), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
    MC_ASSERT(in_ != nullptr && out_ != nullptr, "BIO_new: out of memory");
    SSL_set_bio(ssl, in_, out_);  // owned by `ssl` from here
  }

  Result<void> flush() {
    std::array<char, 4096> bytes;
    int count = 0;
    while ((count = BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()))) > 0) {
      MC_TRY(wait_for(attempt_, POLLOUT));
      const auto size = static_cast<std::size_t>(count);
      // A hello fits a socket's buffer; anything less than all of it is a broken connection.
      if (::send(attempt_.fd.get(), bytes.data(), size, MSG_NOSIGNAL) != count) {
        return fail(Code::kUnavailable, "the connection broke");
      }
    }
    return {};
  }

  Result<void> fill() {
    std::array<char, 4096> bytes;
    MC_TRY(wait_for(attempt_, POLLIN));
    const ssize_t count = ::recv(attempt_.fd.get(), bytes.data(), bytes.size(), 0);
    if (count <= 0) {
      return fail(Code::kUnavailable, "the peer ended the connection");
    }
    BIO_write(in_, bytes.data(), static_cast<int>(count));
    return {};
  }

 private:
  const Attempt& attempt_;
  BIO* in_;
  BIO* out_;
};

// OpenSSL bounds what a handshake may hold, and the deadline how long it takes.
Result<void> shake_hands(SSL* ssl, const Attempt& attempt) {
  Wire wire(ssl, attempt);
  while (true) {
    const int outcome = SSL_connect(ssl);
    const int error = SSL_get_error(ssl, outcome);
    const std::string reason = outcome == 1 ? "" : openssl_reason();
    MC_TRY(wire.flush());
    if (outcome == 1) {
      return {};
    }
    if (error != SSL_ERROR_WANT_READ) {
      return fail(Code::kUnavailable, "{}", reason);
    }
    MC_TRY(wire.fill());
  }
}

PeerLook describe_peer(SSL* ssl) {
  PeerLook look;
  // Belongs to `ssl`.
  const STACK_OF(X509)* shown = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; shown != nullptr && i < OPENSSL_sk_num(ossl_check_const_X509_sk_type(shown));
       ++i) {
    look.chain.push_back(describe(
        *static_cast<const X509*>(OPENSSL_sk_value(ossl_check_const_X509_sk_type(shown), i))));
  }
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    look.fault = X509_verify_cert_error_string(verdict);
  }
  look.wrong_name =
      verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;
  return look;
}

}  // namespace

Result<PeerLook> look_at_peer(env::Env& env, const std::string& address, const std::string& name,
                              const Context& context, std::chrono::milliseconds patience) {
  Attempt attempt{env.clock(), env.clock().mono_now() + patience, {}};
  MC_TRY(connect_to(address, attempt));
  const Owned<SSL> ssl(SSL_new(context.get()));
  MC_ASSERT(ssl != nullptr, "SSL_new: out of memory");
  expect_name(*ssl, name);
  // The handshake goes on whatever the verdict is; the verdict is what was asked for.
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  MC_TRY(shake_hands(ssl.get(), attempt));
  return describe_peer(ssl.get());
}

}  // namespace dsl::tls
