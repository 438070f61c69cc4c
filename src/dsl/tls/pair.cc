#include "dsl/tls/pair.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace dsl::tls {

namespace {

// Nobody is there to type a passphrase; without this the library asks the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<Owned<EVP_PKEY>> read_key(std::string_view pem) {
  const Owned<BIO> in = bio_of(pem);
  bool encrypted = false;
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, &encrypted));
  if (key != nullptr) {
    return key;
  }
  const std::string reason = openssl_reason();
  if (encrypted) {
    return fail(Code::kInvalidArgument, "the private key is encrypted")
        .hint("store it without a passphrase, readable by its service alone");
  }
  return fail(Code::kInvalidArgument, "there is no private key in it: {}", reason)
      .hint("a PEM file of a key begins with -----BEGIN PRIVATE KEY-----");
}

bool issued(X509& by, X509& certificate) {
  EVP_PKEY* key = X509_get0_pubkey(&by);
  const bool named = X509_check_issued(&by, &certificate) == X509_V_OK;
  const bool signed_by = named && key != nullptr && X509_verify(&certificate, key) == 1;
  (void)openssl_reason();  // a signature that does not fit leaves entries behind
  return signed_by;
}

}  // namespace

Result<LoadedPair> read_pair(std::string_view cert_pem, std::string_view key_pem,
                             env::WallTime now) {
  LoadedPair pair;
  MC_ASSIGN(pair.chain, read_certificates(cert_pem));
  MC_ASSIGN(pair.key, read_key(key_pem));
  const Certificate leaf = describe(*pair.chain.front());
  if (X509_check_private_key(pair.chain.front().get(), pair.key.get()) != 1) {
    (void)openssl_reason();
    return fail(Code::kInvalidArgument, "the private key does not belong to the certificate of {}",
                leaf.subject)
        .hint(
            "the first certificate of the file must be the service's own; was only one of the "
            "two files replaced?");
  }
  for (std::size_t i = 0; i + 1 < pair.chain.size(); ++i) {
    if (!issued(*pair.chain[i + 1], *pair.chain[i])) {
      return fail(Code::kInvalidArgument,
                  "certificate {} of the chain ({}) did not issue the one "
                  "before it",
                  i + 2, describe(*pair.chain[i + 1]).subject)
          .hint("order them leaf first, each followed by its issuer");
    }
  }
  if (now < leaf.not_before) {
    return fail(Code::kInvalidArgument, "the certificate of {} is not valid before {}",
                leaf.subject, env::format_time(leaf.not_before))
        .hint(text("this machine's clock says {}", env::format_time(now)));
  }
  if (now > leaf.not_after) {
    return fail(Code::kInvalidArgument, "the certificate of {} expired at {}", leaf.subject,
                env::format_time(leaf.not_after))
        .hint("renew it; the files are read again when they change");
  }
  return pair;
}

Result<Certificate> check_pair(std::string_view cert_pem, std::string_view key_pem,
                               env::WallTime now) {
  MC_ASSIGN(const LoadedPair pair, read_pair(cert_pem, key_pem, now));
  return describe(*pair.chain.front());
}

}  // namespace dsl::tls
