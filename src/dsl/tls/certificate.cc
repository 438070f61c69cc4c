// One certificate: from PEM, and into words.
#include <array>
#include <ctime>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dsl/tls/pair.h"

namespace dsl::tls {

namespace {

// The system's bundle has about 220 KiB; anything far beyond is no certificate file.
constexpr std::size_t kPemBytesMax = 4u << 20;

std::string hex(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 0xf];
  }
  return out;
}

std::string_view bytes_of(const ASN1_STRING* value) {
  // The library hands out bytes as unsigned char.
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

// Names are chosen by whoever made the certificate and end up on terminals.
std::string printable(std::string_view bytes) {
  std::string out(bytes);
  for (char& c : out) {
    c = c > ' ' && c < 0x7f ? c : '?';
  }
  return out;
}

std::string name_text(const X509_NAME* name) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  MC_ASSERT(out != nullptr, "BIO_new: out of memory");
  // RFC 2253 section 2.4 escapes control characters and what is not ASCII.
  (void)X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  // BIO_get_mem_data, spelt out: the macro has a C cast.
  const long size = BIO_ctrl(out.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string address_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  const bool readable = bytes.size() == 4 || bytes.size() == 16;
  return readable && ::inet_ntop(family, bytes.data(), out.data(), out.size()) != nullptr
             ? std::string(out.data())
             : std::string("?");
}

std::vector<std::string> names_of(const X509& certificate) {
  std::vector<std::string> out;
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(name, &type));
    if (type == GEN_DNS || type == GEN_URI || type == GEN_EMAIL) {
      out.push_back(printable(bytes_of(value)));
    } else if (type == GEN_IPADD) {
      out.push_back(address_text(bytes_of(value)));
    }
  }
  return out;
}

env::WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return {};  // no time at all: long over
  }
  return env::WallTime(std::chrono::seconds(::timegm(&parts)));
}

std::string serial_of(const X509& certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(&certificate);
  const std::string_view bytes = bytes_of(serial);
  const std::string digits =
      hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return digits.empty() ? "00" : digits;
}

std::string fingerprint_of(const X509& certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  MC_ASSERT(X509_digest(&certificate, EVP_sha256(), digest.data(), &size) == 1,
            "the library has SHA-256");
  return hex(digest.data(), size);
}

}  // namespace

Certificate describe(const X509& certificate) {
  return {name_text(X509_get_subject_name(&certificate)),
          name_text(X509_get_issuer_name(&certificate)),
          serial_of(certificate),
          fingerprint_of(certificate),
          names_of(certificate),
          time_of(X509_get0_notBefore(&certificate)),
          time_of(X509_get0_notAfter(&certificate))};
}

Result<std::vector<Owned<X509>>> read_certificates(std::string_view pem) {
  if (pem.size() > kPemBytesMax) {
    return fail(Code::kInvalidArgument, "the certificates have {} bytes, at most {} are read",
                pem.size(), kPemBytesMax);
  }
  ERR_clear_error();
  const Owned<BIO> in = bio_of(pem);
  std::vector<Owned<X509>> found;
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(certificate);
  }
  const unsigned long error = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (!ended) {
    return fail(Code::kInvalidArgument, "certificate {} is damaged: {}", found.size() + 1,
                openssl_reason());
  }
  ERR_clear_error();
  if (found.empty()) {
    return fail(Code::kInvalidArgument, "there is no certificate in it")
        .hint("a PEM file begins with -----BEGIN CERTIFICATE-----");
  }
  return found;
}

Result<std::vector<Certificate>> parse_certificates(std::string_view pem) {
  MC_ASSIGN(const std::vector<Owned<X509>> found, read_certificates(pem));
  std::vector<Certificate> certificates;
  certificates.reserve(found.size());
  for (const Owned<X509>& certificate : found) {
    certificates.push_back(describe(*certificate));
  }
  return certificates;
}

}  // namespace dsl::tls
