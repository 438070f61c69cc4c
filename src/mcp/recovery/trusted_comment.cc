#include "mcp/recovery/trusted_comment.h"

#include <charconv>
#include <vector>

namespace mcp::recovery {

using dsl::text;

namespace {

constexpr std::string_view kNone = "-";
constexpr std::size_t kWords = 11;

std::string or_none(const std::string& word) { return word.empty() ? std::string(kNone) : word; }
std::string from_none(std::string_view word) { return std::string(word == kNone ? "" : word); }

}  // namespace

std::string TrustedComment::to_text() const {
  return text("metacircular point {} {} sequence {} manifest {} previous {} {}", id, name(extent),
              sequence, manifest_sha256, or_none(previous.id), or_none(previous.manifest_sha256));
}

Result<TrustedComment> parse_trusted_comment(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    words.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  TrustedComment comment;
  if (words.size() == kWords) {
    comment.id = words[2];
    comment.extent = parse_extent(words[3]).value_or(Extent::kPartial);
    const std::string_view number = words[5];
    (void)std::from_chars(number.data(), number.data() + number.size(), comment.sequence);
    comment.manifest_sha256 = words[7];
    comment.previous = {from_none(words[9]), from_none(words[10])};
  }
  if (comment.to_text() != line) {
    return dsl::fail(dsl::Code::kDataLoss, "the signature is of no point: \"{}\"", line);
  }
  return comment;
}

}  // namespace mcp::recovery
