#include "dsl/tls/handshake.h"

#include <array>

#include <openssl/err.h>

#include "dsl/result/result.h"

namespace dsl::tls::test {

namespace {

std::string reason() {
  const char* words = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return words != nullptr ? words : "no reason";
}

// One step of a handshake; true when it may go on.
bool step(SSL* ssl) {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl);
  return outcome == 1 || SSL_get_error(ssl, outcome) == SSL_ERROR_WANT_READ;
}

std::string serial_of(X509* certificate) {
  if (certificate == nullptr) {
    return {};
  }
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
  char* hex = BN_bn2hex(number);
  std::string text = hex;
  OPENSSL_free(hex);
  BN_free(number);
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

}  // namespace

Connection::Connection(const Context& server, const Context& client, const Wishes& wishes)
    : server_(SSL_new(server.get())), client_(SSL_new(client.get())) {
  BIO* to_server = nullptr;
  BIO* to_client = nullptr;
  MC_ASSERT(BIO_new_bio_pair(&to_server, 1 << 16, &to_client, 1 << 16) == 1, "out of memory");
  SSL_set_bio(client_, to_server, to_server);
  SSL_set_bio(server_, to_client, to_client);
  SSL_set_accept_state(server_);
  SSL_set_connect_state(client_);
  if (!wishes.sni.empty()) {
    std::string name = wishes.sni;
    SSL_ctrl(client_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  if (!wishes.verify_name.empty()) {
    expect_name(*client_, wishes.verify_name);
  }
  if (wishes.session != nullptr) {
    SSL_set_session(client_, wishes.session);
  }
  for (int i = 0; i < 10; ++i) {
    if (!step(client_)) {
      error_ = "client: " + reason();
      (void)step(server_);
      return;
    }
    if (!step(server_)) {
      error_ = "server: " + reason();
      return;
    }
  }
  (void)echoes();  // tickets, and a refusal of the client's certificate, come after its handshake
}

Connection::~Connection() {
  SSL_free(client_);
  SSL_free(server_);
}

bool Connection::resumed() const { return SSL_session_reused(client_) == 1; }

std::string Connection::version() const { return SSL_get_version(client_); }

std::string Connection::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(client_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string Connection::shown_serial() const {
  return serial_of(SSL_get0_peer_certificate(client_));
}

std::string Connection::client_subject() const {
  X509* certificate = SSL_get0_peer_certificate(server_);
  if (certificate == nullptr) {
    return {};
  }
  std::array<char, 256> out{};
  X509_NAME_oneline(X509_get_subject_name(certificate), out.data(), out.size());
  return out.data();
}

bool Connection::echoes() {
  std::array<char, 16> in{};
  std::size_t count = 0;
  return SSL_write_ex(client_, "ping", 4, &count) == 1 &&
         SSL_read_ex(server_, in.data(), in.size(), &count) == 1 && count == 4 &&
         SSL_write_ex(server_, "pong", 4, &count) == 1 &&
         SSL_read_ex(client_, in.data(), in.size(), &count) == 1 && count == 4;
}

SSL_SESSION* Connection::ticket() const {
  SSL_SESSION* session = SSL_get1_session(client_);
  if (session != nullptr && SSL_SESSION_is_resumable(session) != 1) {
    SSL_SESSION_free(session);
    return nullptr;
  }
  return session;
}

}  // namespace dsl::tls::test
