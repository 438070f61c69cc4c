#include "dsl/auth/tokens.h"

#include <algorithm>
#include <array>

#include "dsl/hash/sha256.h"
#include "dsl/secret/secret.h"

namespace dsl::auth {

namespace {

constexpr std::size_t kFileMax = 1u << 20;
constexpr std::size_t kTokenBytes = 32;
constexpr std::string_view kPrefix = "mct_";
constexpr std::string_view kHead =
    "# Tokens: name, role (read, operate, admin, system, guest), SHA-256 of the token.\n";

constexpr std::array<std::pair<Role, std::string_view>, 5> kRoles{{{Role::kRead, "read"},
                                                                   {Role::kOperate, "operate"},
                                                                   {Role::kAdmin, "admin"},
                                                                   {Role::kSystem, "system"},
                                                                   {Role::kGuest, "guest"}}};

bool is_name(std::string_view text) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 64 && word(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return word(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
      break;
    }
    const std::size_t end = line.find_first_of(" \t\r", start);
    words.push_back(line.substr(start, end == std::string_view::npos ? end : end - start));
    line = end == std::string_view::npos ? std::string_view() : line.substr(end);
  }
  return words;
}

Result<std::vector<Token>> parse(std::string_view content, const std::string& path) {
  std::vector<Token> tokens;
  int number = 0;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    const std::string_view line = content.substr(0, end);
    content = end == std::string_view::npos ? std::string_view() : content.substr(end + 1);
    ++number;
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty() || words[0].starts_with('#')) {
      continue;
    }
    const auto damaged = [&](std::string_view why) {
      return fail(Code::kDataLoss, "{}:{}: {}", path, number, why)
          .hint("a line is: name role sha256; remove the line and make the token again");
    };
    if (words.size() != 3 || !is_name(words[0]) || !is_sha256(words[2])) {
      return damaged("not a token");
    }
    const Result<Role> role = parse_role(words[1]);
    if (!role) {
      return damaged(role.error().message());
    }
    tokens.push_back({std::string(words[0]), *role, std::string(words[2])});
  }
  return tokens;
}

bool same_file(const env::FileInfo& a, const env::FileInfo& b) {
  return a.inode == b.inode && a.modified == b.modified && a.size_bytes == b.size_bytes;
}

}  // namespace

std::string_view name(Role role) {
  return std::find_if(kRoles.begin(), kRoles.end(),
                      [&](const auto& row) { return row.first == role; })
      ->second;
}

Result<Role> parse_role(std::string_view name) {
  const auto row = std::find_if(kRoles.begin(), kRoles.end(),
                                [&](const auto& known) { return known.second == name; });
  if (row == kRoles.end()) {
    return fail(Code::kInvalidArgument, "role \"{}\" is not known", name)
        .hint("read, operate, admin, system or guest");
  }
  return row->first;
}

std::string_view account_type(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kGuest:
      return "guest";
    case Role::kRead:
    case Role::kOperate:
    case Role::kAdmin:
      break;
  }
  return "user";
}

Result<std::vector<Token>> TokenFile::list() {
  const std::lock_guard lock(mutex_);
  const Result<env::FileInfo> info = env_.files().stat(path_);
  if (!info) {
    if (info.error().code() != Code::kNotFound) {
      return tl::unexpected(info.error());
    }
    read_ = false;
    return std::vector<Token>();
  }
  if (!read_ || !same_file(*info, read_as_)) {
    read_ = false;
    MC_ASSIGN(const std::string content, env_.files().read_file(path_, kFileMax));
    MC_ASSIGN(tokens_, parse(content, path_));
    read_as_ = *info;
    read_ = true;
  }
  return tokens_;
}

Result<std::string> TokenFile::add(const std::string& name, Role role) {
  if (!is_name(name)) {
    return fail(Code::kInvalidArgument, "\"{}\" is no name for a token", name)
        .hint("lower-case letters, digits, '.', '_' and '-'");
  }
  const std::lock_guard one(changing_);
  MC_ASSIGN(std::vector<Token> tokens, list());
  if (std::any_of(tokens.begin(), tokens.end(), [&](const Token& t) { return t.name == name; })) {
    return fail(Code::kAlreadyExists, "there is a token {} already", name)
        .hint("remove it first, or take another name");
  }
  std::string token = std::string(kPrefix) + env_.random().hex(kTokenBytes);
  tokens.push_back({name, role, sha256_hex(token)});
  MC_TRY(write(tokens));
  return token;
}

Result<void> TokenFile::remove(const std::string& name) {
  const std::lock_guard one(changing_);
  MC_ASSIGN(std::vector<Token> tokens, list());
  if (std::erase_if(tokens, [&](const Token& token) { return token.name == name; }) == 0) {
    return fail(Code::kNotFound, "there is no token {}", name);
  }
  return write(tokens);
}

Result<Token> TokenFile::find(std::string_view token) {
  MC_ASSIGN(const std::vector<Token> tokens, list());
  const Secret given = Secret::from(sha256_hex(token));
  const Token* found = nullptr;
  for (const Token& known : tokens) {
    if (given.equals(known.sha256)) {
      found = &known;
    }
  }
  if (found == nullptr) {
    return fail(Code::kUnauthenticated, "the token is not known here")
        .hint(
            text("an administrator makes one on the machine itself: {} token add NAME", program_));
  }
  return *found;
}

Result<void> TokenFile::write(const std::vector<Token>& tokens) {
  std::string content(kHead);
  for (const Token& token : tokens) {
    content += text("{} {} {}\n", token.name, auth::name(token.role), token.sha256);
  }
  return env_.files().write_file(path_, content, 0600);
}

rpc::Authenticator local_or_token(rpc::Authenticator local, std::shared_ptr<TokenFile> tokens) {
  return [local = std::move(local),
          tokens = std::move(tokens)](const rpc::Peer& peer) -> Result<rpc::Caller> {
    if (peer.local) {
      return local(peer);
    }
    if (peer.token.empty()) {
      return fail(Code::kUnauthenticated, "this call needs a token")
          .hint(text("send it as authorization: Bearer TOKEN; {} token add NAME makes one",
                     tokens->program()));
    }
    MC_ASSIGN(const Token token, tokens->find(peer.token));
    return rpc::Caller{token.name,
                       {std::string(name(token.role))},
                       std::string(account_type(token.role)),
                       "token"};
  };
}

}  // namespace dsl::auth
