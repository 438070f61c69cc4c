// Any bytes as a file of certificates.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "dsl/tls/tls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view pem(reinterpret_cast<const char*>(data), size);

  const auto found = dsl::tls::parse_certificates(pem);

  MC_ASSERT(!found || !found->empty(), "a success has certificates");
  for (std::size_t i = 0; found && i < found->size(); ++i) {
    const dsl::tls::Certificate& certificate = (*found)[i];
    MC_ASSERT(certificate.fingerprint_sha256.size() == 64, "each has its hash");
    for (const std::string& name : certificate.names) {
      for (const char c : name) {
        MC_ASSERT(c > ' ' && c < 0x7f, "names are fit to be printed");
      }
    }
  }
  // The same text as both halves of a pair: a certificate is never a key.
  (void)dsl::tls::check_pair(pem, pem, {});
  return 0;
}
