#include "mcns/rdata/rules.h"

#include <span>

#include "mcns/rdata/encodings.h"
#include "mcns/rdata/svcb.h"
#include "mcns/wire/rdata_names.h"

namespace mcns {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

struct DigestSize {
  std::uint8_t algorithm;
  std::size_t octets;
};

// A digest of another size than its algorithm makes can never match: most often it was cut while it
// was copied. Algorithms that are not known here may have any.
Result<void> check_digest(std::span<const DigestSize> sizes, std::uint8_t algorithm,
                          std::size_t octets, std::string_view what) {
  for (const DigestSize& size : sizes) {
    if (size.algorithm == algorithm && size.octets != octets) {
      return fail(Code::kInvalidArgument, "the {} has {} octets, but one of type {} has {}", what,
                  octets, algorithm, size.octets);
    }
  }
  return {};
}

}  // namespace

// RFC 4034 section 5.1, RFC 4509, RFC 6605. Type 0 is that of "delete" in CDS (RFC 8078).
Result<void> check_ds(BytesView rdata) {
  static constexpr DigestSize kSizes[] = {{1, 20}, {2, 32}, {4, 48}};
  return check_digest(kSizes, get8(rdata, 3), rdata.size() - 4, "digest");
}

Result<void> check_dnskey(BytesView rdata) {
  // RFC 4034 section 2.1.2.
  if (get8(rdata, 2) != 3) {
    return fail(Code::kInvalidArgument, "the protocol is {}, but always 3", get8(rdata, 2));
  }
  return {};
}

// RFC 4255 section 3.1.2, RFC 6594.
Result<void> check_sshfp(BytesView rdata) {
  static constexpr DigestSize kSizes[] = {{1, 20}, {2, 32}};
  return check_digest(kSizes, get8(rdata, 1), rdata.size() - 2, "fingerprint");
}

// RFC 6698 section 2.1.3.
Result<void> check_tlsa(BytesView rdata) {
  static constexpr DigestSize kSizes[] = {{1, 32}, {2, 64}};
  return check_digest(kSizes, get8(rdata, 2), rdata.size() - 3, "certificate data");
}

// RFC 8976 sections 2.2.3 and 2.2.4.
Result<void> check_zonemd(BytesView rdata) {
  static constexpr DigestSize kSizes[] = {{1, 48}, {2, 64}};
  const std::size_t octets = rdata.size() - 6;
  if (octets < 12) {
    return fail(Code::kInvalidArgument, "the digest has {} octets, but at least 12 are required",
                octets);
  }
  return check_digest(kSizes, get8(rdata, 5), octets, "digest");
}

Result<void> check_svcb(BytesView rdata) {
  const std::size_t at = 2 + *name_size_at(rdata, 2);
  return check_parameters(rdata.substr(at));
}

}  // namespace mcns
