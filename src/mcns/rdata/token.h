// Words of presentation form where they stand in their text: nothing is copied.
#pragma once

#include <cstddef>
#include <string_view>

#include "mcns/wire/name.h"

namespace mcns {

// Refers into the text it came from.
struct Token {
  std::string_view raw;  // as written, without the quotes around it
  bool quoted = false;
  bool plain = true;  // `raw` is what is meant: no escapes, no quotes inside
};

// The octets that are meant: `raw` itself, or what was made of it in `scratch`.
std::string_view value_of(const Token& token, Bytes& scratch);
// `raw` with \X and \DDD resolved, as octets.
Bytes unescape(std::string_view raw);

enum class TokenEnd {
  kBlank,     // the word ends at a blank or at the end of the line
  kZonefile,  // at a parenthesis and a comment too
};

struct TokenScan {
  Token token;
  std::size_t end = 0;          // behind the word, quote included; with a fault, where it is
  const char* fault = nullptr;  // what is wrong
};

// The word that begins at text[at], which is no blank. A quote opens a quoted string at the
// beginning of a word, and behind an equals sign (RFC 9460 section 2.1: alpn="h2,h3").
TokenScan scan_token(std::string_view text, std::size_t at, TokenEnd end);

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace mcns
