#include "mcns/zonefile/reader.h"

#include <algorithm>
#include <utility>

#include "mcns/rdata/fields.h"
#include "mcns/zonefile/generate.h"

namespace mcns::zonefile {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;

constexpr std::size_t kIncludesMax = 16;          // one inside of the other
constexpr std::size_t kFileBytesMax = 1U << 30U;  // of an included one

bool is_directive(const Entry& entry) {
  return entry.has_owner && !entry.words[0].quoted && entry.words[0].raw.starts_with('$');
}

// Where word `index` begins; past the end where the last one ends.
std::size_t place_of(std::string_view text, const Entry& entry, std::size_t index) {
  const Token& word = entry.words[std::min(index, entry.words.size() - 1)];
  const auto begin = static_cast<std::size_t>(word.raw.data() - text.data());
  const std::size_t quote = word.quoted ? 1 : 0;
  return index < entry.words.size() ? begin - quote : begin + word.raw.size() + quote;
}

std::string message_of(const dsl::Error& error) {
  return error.hint().empty() ? error.message()
                              : dsl::text("{} ({})", error.message(), error.hint());
}

Fault wrong_count(std::string_view form, std::size_t word) {
  return {fail(Code::kInvalidArgument, "the form is: {}", form), word};
}

// As BIND has it, data in quotes are a line of their own ("10 mail$"), unless the type has text.
bool is_quoted_line(Type type, std::span<const Token> rdata) {
  const TypeInfo* info = find_type_info(type);
  const bool is_text = info != nullptr && (info->fields[0].kind == FieldKind::kStrings ||
                                           info->fields[0].kind == FieldKind::kString);
  return rdata.size() == 1 && rdata[0].quoted && !is_text;
}

// The words behind the range of $GENERATE as the line that they stand for.
std::string generate_pattern(std::span<const Token> words) {
  std::size_t rdata_at = words.size();
  bool quoted_line = false;
  for (std::size_t i = 1; i < words.size() && rdata_at == words.size(); ++i) {
    if (const auto type = parse_type(words[i].raw)) {
      rdata_at = i + 1;
      quoted_line = is_quoted_line(*type, words.subspan(rdata_at));
    }
  }
  std::string pattern;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool in_quotes = words[i].quoted && !(i >= rdata_at && quoted_line);
    pattern += i == 0 ? "" : " ";
    pattern += in_quotes ? "\"" : "";
    pattern += words[i].raw;
    pattern += in_quotes ? "\"" : "";
  }
  return pattern;
}

}  // namespace

void Reader::read(std::string_view name, std::string_view text) {
  Lexer lexer(text);
  Entry entry;
  while (!is_full() && lexer.next(entry)) {
    const auto refuse = [&](std::size_t at, std::string message) {
      errors_.push_back({.where = dsl::text("{}:{}", name, position_text(text, entry, at)),
                         .message = std::move(message)});
    };
    if (entry.fault != nullptr) {
      refuse(entry.fault_at, entry.fault);
      continue;
    }
    const auto fault = is_directive(entry)
                           ? read_directive(entry)
                           : records_.read(entry.words, entry.has_owner, entry.line);
    if (fault) {
      refuse(place_of(text, entry, fault->word), message_of(fault->error));
    }
  }
}

Result<void> Reader::outcome(std::string_view name) const {
  if (errors_.empty()) {
    return {};
  }
  dsl::Error error(Code::kUnprocessable,
                   is_full() ? dsl::text("{} has {} errors or more", name, errors_.size())
                   : errors_.size() == 1 ? dsl::text("{} has an error", name)
                                         : dsl::text("{} has {} errors", name, errors_.size()));
  for (const dsl::Detail& detail : errors_) {
    error.add_detail(detail.where, detail.message);
  }
  return tl::unexpected(std::move(error));
}

bool Reader::is_full() const {
  return errors_.size() >= std::max<std::size_t>(options_.errors_max, 1);
}

std::optional<Fault> Reader::read_directive(const Entry& entry) {
  const std::string_view name = entry.words[0].raw;
  const Words words = entry.words;
  if (equal_ignoring_case(name, "$ORIGIN")) {
    return read_origin(words);
  }
  if (equal_ignoring_case(name, "$TTL")) {
    return read_ttl(words);
  }
  if (equal_ignoring_case(name, "$INCLUDE")) {
    return read_include(words);
  }
  if (equal_ignoring_case(name, "$GENERATE")) {
    return read_generate(words, entry.line);
  }
  return Fault{fail(Code::kInvalidArgument, "\"{}\" is no directive", name.substr(0, 60))
                   .hint("$ORIGIN, $TTL, $INCLUDE and $GENERATE are; a name begins with \\$")};
}

std::optional<Fault> Reader::read_origin(Words words) {
  if (words.size() != 2) {
    return wrong_count("$ORIGIN NAME", 1);
  }
  auto origin = Name::parse(words[1].raw, &records_.origin());
  if (!origin) {
    return Fault{origin.error(), 1};
  }
  records_.set_origin(std::move(*origin));
  return std::nullopt;
}

std::optional<Fault> Reader::read_ttl(Words words) {
  const auto ttl = words.size() == 2 ? parse_ttl(words[1].raw) : std::nullopt;
  if (!ttl) {
    return wrong_count("$TTL SECONDS, at most 2147483647, or a period such as 1h30m", 1);
  }
  records_.set_default_ttl(*ttl);
  return std::nullopt;
}

// The file itself, with links followed, lies below the folder, or it is none of ours to read.
Result<std::string> Reader::include_path(const std::string& file) {
  if (options_.include_dir.empty()) {
    return fail(Code::kInvalidArgument, "$INCLUDE is not allowed here");
  }
  MC_ASSIGN(const std::string folder, env_.files().canonical(options_.include_dir));
  MC_ASSIGN(const std::string path,
            env_.files().canonical(file.starts_with('/') ? file : folder + "/" + file));
  if (!path.starts_with(folder.ends_with('/') ? folder : folder + "/")) {
    return fail(Code::kInvalidArgument, "{} does not lie below {}", file, options_.include_dir);
  }
  if (std::find(including_.begin(), including_.end(), path) != including_.end()) {
    return fail(Code::kInvalidArgument, "{} includes itself", file);
  }
  if (including_.size() == kIncludesMax) {
    return fail(Code::kInvalidArgument, "more than {} files include each other", kIncludesMax);
  }
  return path;
}

std::optional<Fault> Reader::read_include(Words words) {
  if (words.size() < 2 || words.size() > 3) {
    return wrong_count("$INCLUDE FILE [ORIGIN]", 1);
  }
  Bytes scratch;
  const std::string file(value_of(words[1], scratch));
  const auto path = include_path(file);
  if (!path) {
    return Fault{path.error(), 1};
  }
  const auto text = env_.files().read_file(*path, kFileBytesMax);
  if (!text) {
    return Fault{text.error(), 1};
  }
  // RFC 1035 section 5.1: what the file does to the origin ends with it. So does its last name.
  const Name origin_before = records_.origin();
  const std::optional<Name> owner_before = records_.owner();
  if (words.size() == 3) {
    if (auto fault = read_origin(words.subspan(1))) {
      return Fault{std::move(fault->error), 2};
    }
  }
  including_.push_back(*path);
  read(file, *text);
  including_.pop_back();
  records_.set_origin(origin_before);
  records_.set_owner(owner_before);
  return std::nullopt;
}

std::optional<Fault> Reader::read_generate(Words words, int line) {
  if (words.size() < 5) {
    return wrong_count("$GENERATE FIRST-LAST[/STEP] NAME [TTL] [IN] TYPE DATA", 1);
  }
  const auto range = parse_generate_range(words[1].raw);
  if (!range) {
    return Fault{range.error(), 1};
  }
  if (range->count() > options_.generate_max) {
    return Fault{
        fail(Code::kInvalidArgument, "the range stands for {} records, at most {} are allowed",
             range->count(), options_.generate_max),
        1};
  }
  const std::string pattern = generate_pattern(words.subspan(2));
  Entry entry;
  for (std::uint64_t value = range->first; value <= range->last; value += range->step) {
    const auto generated = expand_generate(pattern, static_cast<std::uint32_t>(value));
    if (!generated) {
      return Fault{generated.error(), 2};
    }
    Lexer lexer(*generated);
    if (!lexer.next(entry) || entry.fault != nullptr) {
      return Fault{fail(Code::kInvalidArgument, "for {}: {}", value, entry.fault), 2};
    }
    // One is enough: the others would most often fail alike.
    if (auto fault = records_.read(entry.words, true, line)) {
      return Fault{fail(fault->error).context(dsl::text("for {}", value)),
                   std::min(fault->word + 2, words.size() - 1)};
    }
  }
  return std::nullopt;
}

}  // namespace mcns::zonefile
