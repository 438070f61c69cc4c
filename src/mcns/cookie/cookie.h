// Server cookies of version 1 (RFC 9018 section 4): version, three reserved octets, time, hash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dsl/env/address_bits.h"
#include "mcns/cookie/siphash.h"

namespace mcns::cookie {

constexpr std::size_t kClientSize = 8;
constexpr std::size_t kServerSize = 16;
using ServerCookie = std::array<char, kServerSize>;

// Cookies are made with the current secret; those made with the one before are honoured.
struct Secrets {
  SipKey current;
  SipKey previous;
};

// RFC 7873 section 5.2.2: a client cookie, alone or with a server cookie of 8 to 32 octets.
constexpr bool is_well_formed(std::string_view option) {
  return option.size() == kClientSize || (option.size() >= 16 && option.size() <= 40);
}

// `client_cookie` has 8 octets; `now_s` counts from 1970 and may wrap (RFC 1982).
ServerCookie make(const SipKey& secret, std::string_view client_cookie,
                  const dsl::env::AddressBits& client, std::uint32_t now_s);

struct Checked {
  bool valid = false;  // the client has had an answer of ours at its address within the hour
  ServerCookie reply;  // what it gets: its own cookie, or a new one
};

// `option` is well formed.
Checked check(const Secrets& secrets, std::string_view option, const dsl::env::AddressBits& client,
              std::uint32_t now_s);

}  // namespace mcns::cookie
