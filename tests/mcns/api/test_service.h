// A name service without sockets: the real parts under the real API, called as whoever a test says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dsl/rpc/active_call.h"
#include "mcns/api/api.h"
#include "mcns/v1/admin.pb.h"
#include "mcns/v1/forward.pb.h"
#include "mcns/v1/record.pb.h"
#include "mcns/v1/watch.pb.h"
#include "mcns/v1/zone.pb.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns::api::test {

namespace pb = mcns::v1;
using dsl::rpc::Message;

// Accounts, by the token that they send, which is their name:
//   root       an administrator on the local socket
//   kyle       an administrator with a token
//   mcp-agent  a system account of authz.agent_accounts
//   mcq, www   other system accounts
//   mcq.x      a system account whose name is no label
//   reader     a person with the role read; operator: with operate; mcp-person: called as an agent
//   guest      a guest
//   robot      of a type that nobody knows
// Any other token, and none, is nobody's.
dsl::Result<dsl::rpc::Caller> caller_of(const dsl::rpc::Peer& peer);

class TestService {
 public:
  explicit TestService(const WriterOptions& writing = {});
  ~TestService();

  // Method without the package: "ZoneService.GetZone".
  template <class Reply>
  dsl::Result<Reply> call(const std::string& account, const std::string& method,
                          const Message& request) {
    std::vector<Reply> replies;
    MC_TRY(run(account, method, request, [&](const Message& reply) {
      replies.push_back(static_cast<const Reply&>(reply));
      return dsl::Result<void>();
    }));
    return std::move(replies.at(0));
  }
  // All messages of a stream.
  template <class Reply>
  dsl::Result<std::vector<Reply>> stream(const std::string& account, const std::string& method,
                                         const Message& request) {
    std::vector<Reply> replies;
    MC_TRY(run(account, method, request, [&](const Message& reply) {
      replies.push_back(static_cast<const Reply&>(reply));
      return dsl::Result<void>();
    }));
    return replies;
  }
  using OnReply = std::function<dsl::Result<void>(const Message&)>;
  dsl::Result<void> run(const std::string& account, const std::string& method,
                        const Message& request, const OnReply& on_reply);

  // As root, and ending the test binary when it fails.
  void create_zone(const std::string& name);
  pb::Outcome add(const std::string& zone, const std::string& name, const std::string& type,
                  const std::string& value, const std::string& account = "root");
  pb::Outcome import(const std::string& zone, const std::string& text);
  std::uint32_t serial(const std::string& zone);
  std::vector<pb::Record> records(const std::string& zone);

  Services& services() { return *services_; }
  dsl::test::TestEnv& env() { return env_; }
  const std::shared_ptr<dsl::rpc::Api>& api() { return api_; }
  dsl::rpc::MethodTable table() { return make_methods(*services_); }
  const dsl::test::TempDir& folder() const { return folder_; }
  // What the hook of seed files says.
  std::vector<std::string> seed_lines;

 private:
  dsl::test::TempDir folder_{dsl::test::TempDir::Where::kMemory};
  dsl::test::TestEnv env_;
  std::unique_ptr<dsl::db::Database> database_;
  zone::Store zones_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<Forwarder> forwarder_;
  QueryEvents queries_{dsl::env::system_env().clock()};
  std::unique_ptr<ResolverParts> parts_;
  std::unique_ptr<Forwards> forwards_;
  std::unique_ptr<Services> services_;
  std::shared_ptr<dsl::rpc::Api> api_;
};

// The zone of most tests.
inline constexpr const char* kZone = "svc.test";

}  // namespace mcns::api::test
