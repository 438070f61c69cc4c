// OpenSSL's handles as owners, for the .cc files of this folder.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace dsl::tls {

struct OpensslFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <class T>
using Owned = std::unique_ptr<T, OpensslFree>;

// The library's reason for its last failure, and forgets the rest of its queue.
std::string openssl_reason();

// Reads `text` without copying it; `text` must outlive the result.
Owned<BIO> bio_of(std::string_view text);

}  // namespace dsl::tls
