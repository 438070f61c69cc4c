#include <vector>

#include "mcns/rdata/rdata.h"
#include "mcns/rdata/read_rdata.h"
#include "mcns/rdata/token.h"

namespace mcns {

using dsl::Code;
using dsl::fail;
using dsl::Result;

Result<std::vector<Word>> split_words(std::string_view text) {
  std::vector<Word> words;
  Bytes scratch;
  for (std::size_t at = 0; at < text.size();) {
    if (is_blank(text[at]) || text[at] == '\n') {
      ++at;
      continue;
    }
    const TokenScan scan = scan_token(text, at, TokenEnd::kBlank);
    if (scan.fault != nullptr) {
      return fail(Code::kInvalidArgument, "{}, at column {}", scan.fault, scan.end + 1);
    }
    words.push_back({.raw = std::string(scan.token.raw),
                     .value = Bytes(value_of(scan.token, scratch)),
                     .quoted = scan.token.quoted,
                     .column = static_cast<int>(at + 1)});
    at = scan.end;
  }
  return words;
}

Result<Bytes> rdata_from_text(Type type, std::span<const Word> words, const Name& origin) {
  std::vector<Token> tokens;
  tokens.reserve(words.size());
  for (const Word& word : words) {
    tokens.push_back({.raw = word.raw, .quoted = word.quoted, .plain = word.raw == word.value});
  }
  return read_rdata(type, tokens, origin).rdata;
}

Result<Bytes> rdata_from_text(Type type, std::string_view text, const Name& origin) {
  MC_ASSIGN(const std::vector<Word> words, split_words(text));
  return rdata_from_text(type, words, origin);
}

}  // namespace mcns
