// Static operator tokens: who may call over the network until there is an identity service.
//
// A text file, mode 0600, one line a token: "<name> <role> <SHA-256 of the token, hex>". The token
// itself is shown once, when it is made, and kept nowhere.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/env/env.h"
#include "dsl/rpc/server.h"

namespace dsl::auth {

// Of people, read: what only looks. operate: changes that a policy allows. admin: everything.
// system: the account of a service, which may look, and beyond that what a policy lets its name do.
// guest: nothing that needs an account.
enum class Role { kRead, kOperate, kAdmin, kSystem, kGuest };
std::string_view name(Role role);
// As rpc::Caller has it: "user", "system" or "guest".
std::string_view account_type(Role role);
Result<Role> parse_role(std::string_view name);

struct Token {
  std::string name;  // [a-z0-9][a-z0-9._-]{0,63}
  Role role = Role::kRead;
  std::string sha256;  // hex
};

// Thread-safe; one process changes the file, any may read it. The file is read again when it has
// changed; a damaged one lets nobody in, and says why.
class TokenFile {
 public:
  // `program` makes tokens with its command `token add`; for hints.
  TokenFile(env::Env& env, std::string path, std::string program = "mcp")
      : env_(env), path_(std::move(path)), program_(std::move(program)) {}

  // In the order of the file; empty when there is none. kDataLoss names the line that is damaged.
  Result<std::vector<Token>> list();
  // Makes a token, adds its line and returns it: "mct_" and 64 hex digits. kAlreadyExists.
  Result<std::string> add(const std::string& name, Role role);
  // kNotFound.
  Result<void> remove(const std::string& name);
  // Whose the token is; compares in constant time. kUnauthenticated.
  Result<Token> find(std::string_view token);

  const std::string& path() const { return path_; }
  const std::string& program() const { return program_; }

 private:
  Result<void> write(const std::vector<Token>& tokens);

  env::Env& env_;
  const std::string path_;
  const std::string program_;
  std::mutex changing_;  // one add or remove at a time, from reading to writing; before mutex_
  std::mutex mutex_;     // guards all below
  env::FileInfo read_as_;
  bool read_ = false;
  std::vector<Token> tokens_;
};

// The local socket as rpc::local_authenticator says; everybody else by the bearer token. Callers by
// token have the account type and the role of their token.
rpc::Authenticator local_or_token(rpc::Authenticator local, std::shared_ptr<TokenFile> tokens);

}  // namespace dsl::auth
