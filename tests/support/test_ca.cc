#include "support/test_ca.h"

#include <array>
#include <atomic>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dsl/result/result.h"

namespace dsl::test {

namespace {

EVP_PKEY* new_key(bool ed25519) {
  EVP_PKEY* key = ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                          : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  MC_ASSERT(key != nullptr, "a key can be made");
  return key;
}

long next_serial() {
  static std::atomic<long> last{0x1000};  // two bytes: as short as a serial is told apart
  return ++last;
}

std::string taken(BIO* out) {
  char* data = nullptr;
  const long size = BIO_ctrl(out, BIO_CTRL_INFO, 0, &data);
  std::string content(data, static_cast<std::size_t>(size));
  BIO_free(out);
  return content;
}

std::string pem_of(X509* certificate) {
  BIO* out = BIO_new(BIO_s_mem());
  MC_ASSERT(PEM_write_bio_X509(out, certificate) == 1, "a certificate can be written");
  return taken(out);
}

std::string pem_of(EVP_PKEY* key) {
  BIO* out = BIO_new(BIO_s_mem());
  MC_ASSERT(PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "a key can be written");
  return taken(out);
}

void set_name(X509_NAME* name, const std::string& common_name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.c_str());
  MC_ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1,
            "a name can be set");
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  MC_ASSERT(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
            "an extension can be added");
  X509_EXTENSION_free(extension);
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> scratch;
  return ::inet_pton(AF_INET, name.c_str(), scratch.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), scratch.data()) == 1;
}

std::string joined(const std::vector<std::string>& names) {
  std::string value;
  for (const std::string& name : names) {
    value += text("{}{}:{}", value.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  return value;
}

// A certificate for `key`, all but its extensions and signature.
X509* unsigned_certificate(EVP_PKEY* key, const IssueOptions& options, X509* issuer) {
  const auto seconds = [](env::WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  };
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), next_serial());
  ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(options.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(options.not_after));
  set_name(X509_get_subject_name(certificate), options.subject);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer ? issuer : certificate));
  MC_ASSERT(X509_set_pubkey(certificate, key) == 1, "a key can be set");
  return certificate;
}

void sign(X509* certificate, EVP_PKEY* key) {
  const EVP_MD* digest = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  MC_ASSERT(X509_sign(certificate, key, digest) > 0, "a certificate can be signed");
}

X509* authority(EVP_PKEY* key, const std::string& name, X509* issuer, EVP_PKEY* issuer_key) {
  X509* certificate = unsigned_certificate(key, {.subject = name}, issuer);
  X509* by = issuer != nullptr ? issuer : certificate;
  add_extension(certificate, by, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate, by, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate, by, NID_subject_key_identifier, "hash");
  sign(certificate, issuer_key);
  return certificate;
}

std::string serial_of(X509* certificate) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const ASN1_STRING* serial = X509_get0_serialNumber(certificate);
  std::string hex;
  for (int i = 0; i < ASN1_STRING_length(serial); ++i) {
    const unsigned char byte = ASN1_STRING_get0_data(serial)[i];
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 0xf];
  }
  return hex;
}

}  // namespace

void TestCa::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void TestCa::Free::operator()(x509_st* certificate) const { X509_free(certificate); }

TestCa::TestCa(const std::string& name) : key_(new_key(false)) {
  certificate_.reset(authority(key_.get(), name, nullptr, key_.get()));
}

TestCa::TestCa(std::unique_ptr<evp_pkey_st, Free> key, std::unique_ptr<x509_st, Free> certificate,
               std::string chain_pem)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      chain_pem_(std::move(chain_pem)) {}

TestCa::~TestCa() = default;
TestCa::TestCa(TestCa&&) noexcept = default;

TestCa TestCa::intermediate(const std::string& name) const {
  std::unique_ptr<evp_pkey_st, Free> key(new_key(false));
  std::unique_ptr<x509_st, Free> certificate(
      authority(key.get(), name, certificate_.get(), key_.get()));
  std::string chain = pem_of(certificate.get()) + chain_pem_;
  return {std::move(key), std::move(certificate), std::move(chain)};
}

IssuedPair TestCa::issue(const IssueOptions& options) const {
  const std::unique_ptr<evp_pkey_st, Free> key(new_key(options.ed25519));
  const std::unique_ptr<x509_st, Free> leaf(
      unsigned_certificate(key.get(), options, certificate_.get()));
  add_extension(leaf.get(), certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  if (!options.names.empty()) {
    add_extension(leaf.get(), certificate_.get(), NID_subject_alt_name, joined(options.names));
  }
  sign(leaf.get(), key_.get());
  return {pem_of(leaf.get()) + chain_pem_, pem_of(key.get()), serial_of(leaf.get())};
}

std::string TestCa::pem() const { return pem_of(certificate_.get()); }

}  // namespace dsl::test
