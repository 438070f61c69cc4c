#include "dsl/tls/openssl.h"

#include <string_view>

#include <openssl/err.h>

#include "dsl/result/result.h"

namespace dsl::tls {

std::string openssl_reason() {
  const unsigned long number = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(number);
  std::string words = reason != nullptr ? reason : number == 0 ? "no reason given" : "unknown";
  ERR_clear_error();
  return words;
}

Owned<BIO> bio_of(std::string_view text) {
  // An empty view may have no address, which OpenSSL refuses: a file may be empty, too.
  const char* data = text.empty() ? "" : text.data();
  Owned<BIO> bio(BIO_new_mem_buf(data, static_cast<int>(text.size())));
  MC_ASSERT(bio != nullptr, "BIO_new_mem_buf: out of memory");
  return bio;
}

}  // namespace dsl::tls
