// Any query and any response to it: a cookie that nobody made is not valid, and what an answer
// counts for is a part of the question's name. The first two octets say how long the query is.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/result/result.h"
#include "mcns/cookie/cookie.h"
#include "mcns/rrl/classify.h"
#include "mcns/wire/octets.h"

namespace {

constexpr mcns::cookie::Secrets kSecrets{{1, 2}, {3, 4}};
constexpr dsl::env::AddressBits kClient{0x20010db800000000U, 7};
constexpr std::uint32_t kNow = 1800000000;

void check_cookie(std::string_view option) {
  if (!mcns::cookie::is_well_formed(option)) {
    return;
  }
  const auto checked = mcns::cookie::check(kSecrets, option, kClient, kNow);
  MC_ASSERT(!checked.valid, "nobody guesses a hash of 64 bits");
  std::string own(option.substr(0, mcns::cookie::kClientSize));
  own.append(checked.reply.begin(), checked.reply.end());
  MC_ASSERT(mcns::cookie::check(kSecrets, own, kClient, kNow).valid, "ours is valid");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (size < 2) {
    return 0;
  }
  const std::string_view packet = input.substr(2, mcns::read16(input, 0));
  const std::string_view response = input.substr(2 + packet.size());

  mcns::Query query;
  const mcns::ParseResult parsed = mcns::parse_query(packet, query);
  if (parsed == mcns::ParseResult::kOk || parsed == mcns::ParseResult::kCookieOnly) {
    check_cookie(query.edns.cookie);
  }
  if (parsed == mcns::ParseResult::kOk) {
    for (const mcns::Rcode rcode : {mcns::Rcode::kNoError, mcns::Rcode::kNxDomain}) {
      const auto counted = mcns::rrl::classify(query, rcode, response, query.name.labels);
      MC_ASSERT(counted.labels <= query.name.labels, "a part of the name");
    }
  }
  return 0;
}
