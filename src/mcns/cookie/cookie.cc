#include "mcns/cookie/cookie.h"

#include <algorithm>
#include <cstring>

#include <endian.h>

namespace mcns::cookie {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadSize = 8;  // version, reserved octets, time
// RFC 9018 section 4.3, in seconds.
constexpr std::int32_t kOldest = 3600;
constexpr std::int32_t kNewest = -300;
constexpr std::int32_t kRenewAfter = 1800;

// RFC 9018 section 4.4: over client cookie, head and address.
std::uint64_t hash(const SipKey& secret, std::string_view client_cookie, std::string_view head,
                   const dsl::env::AddressBits& client) {
  std::array<char, kClientSize + kHeadSize + 16> input;
  std::memcpy(input.data(), client_cookie.data(), kClientSize);
  std::memcpy(input.data() + kClientSize, head.data(), kHeadSize);
  char* address = input.data() + kClientSize + kHeadSize;
  std::size_t size = kClientSize + kHeadSize;
  if (client.is_v4()) {
    const std::uint32_t bits = htobe32(static_cast<std::uint32_t>(client.low));
    std::memcpy(address, &bits, sizeof(bits));
    size += sizeof(bits);
  } else {
    const std::array<std::uint64_t, 2> bits = {htobe64(client.high), htobe64(client.low)};
    std::memcpy(address, bits.data(), sizeof(bits));
    size += sizeof(bits);
  }
  return siphash24(secret, {input.data(), size});
}

std::uint64_t hash_in(std::string_view server_cookie) {
  std::uint64_t found = 0;
  std::memcpy(&found, server_cookie.data() + kHeadSize, sizeof(found));
  return le64toh(found);
}

std::uint32_t time_in(std::string_view server_cookie) {
  std::uint32_t time = 0;
  std::memcpy(&time, server_cookie.data() + 4, sizeof(time));
  return be32toh(time);
}

}  // namespace

ServerCookie make(const SipKey& secret, std::string_view client_cookie,
                  const dsl::env::AddressBits& client, std::uint32_t now_s) {
  ServerCookie out{kVersion};
  const std::uint32_t time = htobe32(now_s);
  std::memcpy(out.data() + 4, &time, sizeof(time));
  const std::uint64_t sum = htole64(hash(secret, client_cookie, {out.data(), kHeadSize}, client));
  std::memcpy(out.data() + kHeadSize, &sum, sizeof(sum));
  return out;
}

Checked check(const Secrets& secrets, std::string_view option, const dsl::env::AddressBits& client,
              std::uint32_t now_s) {
  const std::string_view client_cookie = option.substr(0, kClientSize);
  const std::string_view sent = option.substr(kClientSize);
  Checked out;
  bool is_current = false;
  std::int32_t age = 0;
  if (sent.size() == kServerSize && sent[0] == kVersion) {
    // One comparison of two whole words: how long it takes says nothing of where they differ.
    const std::uint64_t found = hash_in(sent);
    is_current = hash(secrets.current, client_cookie, sent, client) == found;
    age = static_cast<std::int32_t>(now_s - time_in(sent));
    out.valid = (is_current || hash(secrets.previous, client_cookie, sent, client) == found) &&
                age >= kNewest && age <= kOldest;
  }
  if (out.valid && is_current && age <= kRenewAfter) {
    std::copy(sent.begin(), sent.end(), out.reply.begin());
  } else {
    out.reply = make(secrets.current, client_cookie, client, now_s);
  }
  return out;
}

}  // namespace mcns::cookie
