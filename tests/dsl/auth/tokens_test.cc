#include "dsl/auth/tokens.h"

#include <thread>

#include <gtest/gtest.h>

#include "dsl/hash/sha256.h"
#include "support/result_matchers.h"
#include "support/test_env.h"

namespace dsl::auth {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using testing::HasSubstr;
using testing::Not;

class Tokens : public testing::Test {
 protected:
  Tokens() { require_ok(env_.files().make_directories("/srv/mcp", 0750)); }

  std::string content() { return require_ok(env_.files().read_file("/srv/mcp/tokens")); }

  dsl::test::TestEnv env_;
  std::shared_ptr<TokenFile> file_ = std::make_shared<TokenFile>(env_, "/srv/mcp/tokens");
};

TEST_F(Tokens, WithoutAFileNobodyIsKnown) {
  EXPECT_THAT(file_->list(), ok());
  EXPECT_THAT(file_->find("mct_00"), failed_with(Code::kUnauthenticated));
  EXPECT_THAT(file_->find(""), failed_with(Code::kUnauthenticated));
  EXPECT_THAT(file_->remove("kyle"), failed_with(Code::kNotFound));
}

TEST_F(Tokens, RefusesNamesThatWouldNotBeOneWord) {
  for (const char* name : {"", "a b", "Kyle", "a\nb", "#a", "-a"}) {
    EXPECT_THAT(file_->add(name, Role::kRead), failed_with(Code::kInvalidArgument)) << name;
  }
}

TEST_F(Tokens, ADamagedLineLetsNobodyInAndIsNamed) {
  const std::string token = require_ok(file_->add("kyle", Role::kAdmin));
  for (const char* line : {"kyle", "kyle admin", "kyle root 00", "kyle admin 00 11"}) {
    require_ok(env_.files().write_file("/srv/mcp/tokens", content() + line + "\n", 0600));

    EXPECT_THAT(file_->find(token), failed_saying(Code::kDataLoss, "/srv/mcp/tokens:3: ")) << line;

    require_ok(env_.files().write_file("/srv/mcp/tokens",
                                       "# \nkyle admin " + sha256_hex(token) + "\n", 0600));
    EXPECT_THAT(file_->find(token), ok());
  }
}

TEST_F(Tokens, AreFoundByTheirBytesAndStoredAsHashesOnly) {
  const std::string kyle = require_ok(file_->add("kyle", Role::kAdmin));
  const std::string ci = require_ok(file_->add("ci", Role::kOperate));

  EXPECT_EQ(require_ok(file_->find(kyle)).name, "kyle");
  EXPECT_EQ(require_ok(file_->find(ci)).role, Role::kOperate);
  EXPECT_THAT(file_->find(kyle.substr(0, 20)), failed_with(Code::kUnauthenticated));
  EXPECT_THAT(content(), Not(HasSubstr(kyle)));
  EXPECT_EQ(require_ok(env_.files().stat("/srv/mcp/tokens")).mode, 0600u);
  EXPECT_THAT(file_->add("ci", Role::kRead), failed_with(Code::kAlreadyExists));
}

TEST_F(Tokens, AnotherProcessesChangeIsSeen) {
  TokenFile other(env_, "/srv/mcp/tokens");
  const std::string token = require_ok(other.add("kyle", Role::kRead));
  EXPECT_THAT(file_->find(token), ok());

  require_ok(other.remove("kyle"));

  EXPECT_THAT(file_->find(token), failed_with(Code::kUnauthenticated));
}

TEST_F(Tokens, MadeAtOnceAllOfThemAreKept) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 8; ++n) {
        EXPECT_THAT(file_->add(text("t{}-{}", i, n), Role::kRead), ok());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(require_ok(file_->list()).size(), 64u);
}

TEST_F(Tokens, OnlyTheSocketGoesWithout) {
  const std::string token = require_ok(file_->add("ci", Role::kOperate));
  const rpc::Authenticator authenticate = local_or_token(rpc::local_authenticator(850, ""), file_);
  rpc::Peer local;
  local.local = true;
  local.uid = 850;
  rpc::Peer remote;
  remote.address = "192.0.2.7:1";

  EXPECT_THAT(authenticate(remote), failed_with(Code::kUnauthenticated));
  remote.token = token + "0";
  EXPECT_THAT(authenticate(remote), failed_with(Code::kUnauthenticated));
  remote.token = token;
  const rpc::Caller caller = require_ok(authenticate(remote));
  EXPECT_EQ(caller.subject, "ci");
  EXPECT_TRUE(caller.has_role("operate"));
  EXPECT_FALSE(caller.has_role("admin"));
  EXPECT_EQ(caller.via, "token");
  EXPECT_TRUE(require_ok(authenticate(local)).has_role("admin"));
}

// What a caller with a token of this role is, after its line went through the file.
rpc::Caller caller_of(dsl::test::TestEnv& env, Role role) {
  const std::string path = text("/srv/mcp/{}", name(role));
  TokenFile made(env, path);
  rpc::Peer peer;
  peer.token = require_ok(made.add("somebody", role));
  const auto read = std::make_shared<TokenFile>(env, path);
  return require_ok(local_or_token(rpc::local_authenticator(850, ""), read)(peer));
}

TEST_F(Tokens, TheRoleSaysWhatKindOfAccountItIs) {
  struct Row {
    Role role;
    const char* role_name;
    const char* account_type;
  };
  for (const Row& row : {Row{Role::kRead, "read", "user"}, Row{Role::kOperate, "operate", "user"},
                         Row{Role::kAdmin, "admin", "user"}, Row{Role::kSystem, "system", "system"},
                         Row{Role::kGuest, "guest", "guest"}}) {
    const rpc::Caller caller = caller_of(env_, row.role);

    EXPECT_EQ(caller.account_type, row.account_type);
    EXPECT_EQ(caller.roles, std::vector<std::string>{row.role_name});
    EXPECT_EQ(require_ok(parse_role(row.role_name)), row.role);
  }
  EXPECT_THAT(parse_role("root"), failed_with(Code::kInvalidArgument));
}

TEST_F(Tokens, HintsNameTheProgramThatMakesThem) {
  TokenFile ours(env_, "/srv/mcns/tokens", "mcns");

  EXPECT_THAT(ours.find("mct_00"), failed_saying(Code::kUnauthenticated, "mcns token add NAME"));
  EXPECT_THAT(file_->find("mct_00"), failed_saying(Code::kUnauthenticated, "mcp token add NAME"));
}

}  // namespace
}  // namespace dsl::auth
