// EDNS options between servers of ours, with codes for local use (RFC 6891 section 9): a nonce by
// which a server knows its own probe when it comes back, and how often a question was passed on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mcns/wire/name.h"

namespace mcns {

constexpr std::uint16_t kOptionLoopNonce = 65001;  // eight octets
constexpr std::uint16_t kOptionHops = 65002;       // one octet

// Of a query's options as they stand in its OPT record (`QueryEdns::options`). An option of another
// length is none.
std::optional<std::uint64_t> loop_nonce_in(std::string_view options);
int hops_in(std::string_view options);  // 0 without the option

// Puts the option behind those in `options`.
void append_loop_nonce(Bytes& options, std::uint64_t nonce);
void append_hops(Bytes& options, int hops);

}  // namespace mcns
