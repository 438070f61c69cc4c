#include "dsl/archive/age_header.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dsl/json/canonical.h"

namespace dsl::archive {

namespace {

constexpr std::string_view kVersionName = "age-encryption.org/";
constexpr std::string_view kVersionLine = "age-encryption.org/v1\n";
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kMacMark = "---";
constexpr std::size_t kColumns = 64;

Failure malformed(std::string_view what) { return fail(Code::kDataLoss, "age header: {}", what); }

// Reads lines and keeps them all, up to the limit.
class HeaderLines {
 public:
  explicit HeaderLines(BufferedSource& input) : input_(input) {}

  // Without its LF; valid until the next call.
  Result<std::string_view> next() {
    MC_ASSIGN(const std::string_view line, input_.line(kHeaderBytesMax - text_.size()));
    const std::size_t start = text_.size();
    text_ += line;
    if (!line.ends_with('\n')) {
      return text_.size() < kHeaderBytesMax
                 ? malformed("the file ends inside it").hint("the file was cut: fetch it again")
                 : malformed(text("it is longer than {} bytes", kHeaderBytesMax));
    }
    return std::string_view(text_).substr(start, line.size() - 1);
  }

  std::string& all() { return text_; }

 private:
  BufferedSource& input_;
  std::string text_;
};

Result<void> expect_version(HeaderLines& lines, BufferedSource& input) {
  // Looked at first: a file of another kind may have no line end for a long way.
  MC_ASSIGN(const std::string_view start, input.peek(kVersionName.size()));
  if (start != kVersionName) {
    return malformed("this is not an age file").hint("age files start with age-encryption.org/v1");
  }
  MC_ASSIGN(const std::string_view line, lines.next());
  if (line != kVersionLine.substr(0, kVersionLine.size() - 1)) {
    return fail(Code::kUnimplemented, "age header: its version is none that we know")
        .hint("only age-encryption.org/v1 is read");
  }
  return {};
}

bool is_argument(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<std::vector<std::string>> parse_arguments(std::string_view line) {
  std::vector<std::string> arguments;
  while (true) {
    const std::size_t space = line.find(' ');
    const std::string_view argument = line.substr(0, space);
    if (!is_argument(argument)) {
      return malformed(
          text("argument {} of a stanza is empty or has strange characters", arguments.size()));
    }
    arguments.emplace_back(argument);
    if (space == std::string_view::npos) {
      return arguments;
    }
    line.remove_prefix(space + 1);
  }
}

// Lines of 64 columns, and one that is shorter.
Result<std::string> read_body(HeaderLines& lines) {
  std::string body;
  while (true) {
    MC_ASSIGN(const std::string_view line, lines.next());
    const auto bytes = line.size() <= kColumns ? from_raw_base64(line) : std::nullopt;
    if (!bytes) {
      return malformed("the body of a stanza is not base64 in lines of 64");
    }
    body += *bytes;
    if (line.size() < kColumns) {
      return body;
    }
  }
}

Result<Bytes32> parse_mac(std::string_view line) {
  const std::string_view text = line.substr(std::min(line.size(), kMacMark.size()));
  const auto bytes = text.starts_with(' ') ? from_raw_base64(text.substr(1)) : std::nullopt;
  Bytes32 mac;
  if (!bytes || bytes->size() != mac.size()) {
    return malformed("its last line is not '--- ' and a MAC");
  }
  std::memcpy(mac.data(), bytes->data(), mac.size());
  return mac;
}

}  // namespace

Result<AgeHeader> read_header(BufferedSource& input) {
  HeaderLines lines(input);
  MC_TRY(expect_version(lines, input));

  AgeHeader header;
  while (true) {
    const std::size_t start = lines.all().size();
    MC_ASSIGN(const std::string_view line, lines.next());
    if (line.starts_with(kMacMark)) {
      MC_ASSIGN(header.mac, parse_mac(line));
      header.authenticated = std::move(lines.all());
      header.authenticated.resize(start + kMacMark.size());
      break;
    }
    if (!line.starts_with(kStanzaMark)) {
      return malformed("a line starts neither a stanza nor the MAC");
    }
    MC_ASSIGN(auto arguments, parse_arguments(line.substr(kStanzaMark.size())));
    MC_ASSIGN(std::string body, read_body(lines));
    header.stanzas.push_back({std::move(arguments), std::move(body)});
  }
  if (header.stanzas.empty()) {
    return malformed("it has no stanza");
  }
  return header;
}

std::string write_header(std::span<const Stanza> stanzas, const Secret& file_key) {
  std::string header(kVersionLine);
  for (const Stanza& stanza : stanzas) {
    header += "->";
    for (const std::string& argument : stanza.arguments) {
      MC_ASSERT(is_argument(argument), "arguments are made here");
      header += ' ';
      header += argument;
    }
    header += '\n';
    std::string_view body = stanza.body;
    // The last line is shorter than 64 columns even if it must be empty for that.
    for (bool full = true; full;) {
      const std::string line = raw_base64(body.substr(0, kColumns / 4 * 3));
      full = line.size() == kColumns;
      header += line + '\n';
      body.remove_prefix(std::min(body.size(), kColumns / 4 * 3));
    }
  }
  header += kMacMark;
  const Bytes32 mac = header_mac(header, file_key);
  header += ' ' + raw_base64({reinterpret_cast<const char*>(mac.data()), mac.size()}) + '\n';
  return header;
}

Bytes32 header_mac(std::string_view authenticated, const Secret& file_key) {
  const Secret key = hkdf_sha256(file_key.expose(), {}, "header");
  return hmac_sha256(key.expose(), authenticated);
}

std::string raw_base64(std::string_view bytes) {
  std::string text = json::base64(bytes);
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

std::optional<std::string> from_raw_base64(std::string_view text) {
  if (text.find('=') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string padded(text);
  padded.append((4 - text.size() % 4) % 4, '=');
  auto bytes = json::from_base64(padded);
  return bytes ? std::optional(std::move(*bytes)) : std::nullopt;
}

}  // namespace dsl::archive
