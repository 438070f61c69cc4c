// Names that text may use for numbers of DNSSEC and of certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcns {

// RFC 4034 appendix A.1 and the registry of IANA; a number too.
std::optional<std::uint8_t> parse_algorithm(std::string_view text);

// RFC 4398 section 2.1; a number too. The text is the mnemonic when there is one.
std::optional<std::uint16_t> parse_certificate_type(std::string_view text);
std::string certificate_type_text(std::uint16_t type);

}  // namespace mcns
