#include "dsl/tls/server_context.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "dsl/tls/ticket_keys.h"

namespace dsl::tls {

namespace {

// What the callbacks of a context need; owned by the context through its ex_data.
struct State {
  std::string alpn;                     // RFC 7301 wire form
  std::shared_ptr<TicketKeys> tickets;  // one set for all contexts that SNI chooses from
  // Of the first context only, so that nothing owns itself; its own names are empty contexts.
  std::map<std::string, Context> by_name;
};

int state_index() {
  static const int index =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr,
                              [](void*, void* state, CRYPTO_EX_DATA*, int, long, void*) {
                                delete static_cast<State*>(state);
                              });
  return index;
}

State& state_of(SSL_CTX* context) {
  auto* state = static_cast<State*>(SSL_CTX_get_ex_data(context, state_index()));
  MC_ASSERT(state != nullptr, "the callback is set with its state");
  return *state;
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

// RFC 6125 section 6.4.3: a wildcard stands for the whole leftmost label and nothing more.
Context context_for(const State& state, const std::string& name) {
  auto found = state.by_name.find(name);
  if (found == state.by_name.end() && name.find('.') != std::string::npos) {
    found = state.by_name.find("*" + name.substr(name.find('.')));
  }
  return found == state.by_name.end() ? nullptr : found->second;
}

int choose_context(SSL* ssl, int*, void*) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  if (const Context context = context_for(state_of(SSL_get_SSL_CTX(ssl)), lower(asked))) {
    SSL_set_SSL_CTX(ssl, context.get());
  }
  return SSL_TLSEXT_ERR_OK;  // an unknown name gets the first pair
}

int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  const std::string& ours = state_of(SSL_get_SSL_CTX(ssl)).alpn;
  unsigned char* chosen = nullptr;
  const int outcome =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), offered, offered_size);
  *out = chosen;
  // RFC 7301 section 3.2: no protocol in common is fatal, not a reason to guess one.
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Ticket callback of OpenSSL: 1 = use the key, 2 = use it and send a new ticket, 0 = unknown
// ticket, -1 = error.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
               EVP_MAC_CTX* mac, int sealing) {
  TicketKeys& keys = *state_of(SSL_get_SSL_CTX(ssl)).tickets;
  TicketKeys::Key key;
  if (sealing == 1) {
    key = keys.sealer();
    std::copy(key.name.begin(), key.name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
      return -1;
    }
  } else if (auto found = keys.opener(name)) {
    key = *found;
  } else {
    return 0;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  const bool ready =
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv, sealing) == 1 &&
      EVP_MAC_CTX_set_params(mac, params) == 1;
  if (!ready) {
    return -1;
  }
  // RFC 8446 appendix C.4: a client uses a ticket once, so each resumption brings the next one.
  return sealing == 1 ? 1 : 2;
}

void set_state(SSL_CTX* context, std::unique_ptr<State> state) {
  MC_ASSERT(SSL_CTX_set_ex_data(context, state_index(), state.get()) == 1,
            "SSL_CTX_set_ex_data: out of memory");
  (void)state.release();  // the context's now
}

Result<void> ask_for_client(SSL_CTX& context, const ServerContextOptions& options) {
  if (options.client_ca_pem.empty()) {
    return {};
  }
  MC_TRY(trust(context, options.client_ca_pem));
  // Clients with several certificates choose by the names of the authorities.
  MC_ASSIGN(const std::vector<Owned<X509>> authorities, read_certificates(options.client_ca_pem));
  for (const Owned<X509>& authority : authorities) {
    MC_ASSERT(SSL_CTX_add_client_CA(&context, authority.get()) == 1, "out of memory");
  }
  SSL_CTX_set_verify(
      &context, SSL_VERIFY_PEER | (options.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      nullptr);
  return {};
}

Result<Context> one_context(const LoadedPair& pair, const ServerContextOptions& options,
                            std::unique_ptr<State> state) {
  Context context = new_context(TLS_server_method());
  SSL_CTX* handle = context.get();
  MC_TRY(use_pair(*handle, pair));
  MC_TRY(ask_for_client(*handle, options));
  if (!state->alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(handle, choose_protocol, nullptr);
  }
  constexpr std::string_view kSessions = "metacircular";  // resumption asks for some id
  SSL_CTX_set_session_id_context(handle, reinterpret_cast<const unsigned char*>(kSessions.data()),
                                 static_cast<unsigned int>(kSessions.size()));
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);  // tickets hold all there is
  SSL_CTX_set_timeout(handle, std::chrono::seconds(TicketKeys::kPeriod).count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(handle, ticket_key);
  set_state(handle, std::move(state));
  return context;
}

}  // namespace

Result<Context> server_context(env::Env& env, const std::vector<LoadedPair>& pairs,
                               const ServerContextOptions& options) {
  MC_ASSERT(!pairs.empty(), "a server shows a certificate");
  MC_ASSIGN(const std::string alpn, alpn_wire(options.alpn));
  const auto tickets = std::make_shared<TicketKeys>(env);
  auto first = std::make_unique<State>(State{alpn, tickets, {}});
  for (const std::string& name : describe(*pairs.front().chain.front()).names) {
    first->by_name.emplace(lower(name), nullptr);
  }
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    auto state = std::make_unique<State>(State{alpn, tickets, {}});
    MC_ASSIGN(const Context context, one_context(pairs[i], options, std::move(state)));
    for (const std::string& name : describe(*pairs[i].chain.front()).names) {
      first->by_name.emplace(lower(name), context);  // of two pairs with a name the earlier counts
    }
  }
  MC_ASSIGN(Context context, one_context(pairs.front(), options, std::move(first)));
  // SSL_CTX_set_tlsext_servername_callback, spelt out: the macro has a C cast.
  SSL_CTX_callback_ctrl(context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(choose_context));
  return context;
}

}  // namespace dsl::tls
