#include "mcns/api/test_service.h"

#include <map>

#include "mcns/store/schema.h"

namespace mcns::api::test {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::rpc::Caller;
using dsl::rpc::Peer;
using dsl::test::require_ok;

namespace {

class Collector final : public dsl::rpc::MessageSink {
 public:
  explicit Collector(const TestService::OnReply& on_reply) : on_reply_(on_reply) {}
  Result<void> write(const Message& message) override { return on_reply_(message); }

 private:
  const TestService::OnReply& on_reply_;
};

}  // namespace

Result<Caller> caller_of(const Peer& peer) {
  static const std::map<std::string, Caller> kAccounts = {
      {"root", {"uid:0(root)", {"admin"}, "local", "local"}},
      {"kyle", {"kyle", {"admin"}, "user", "token"}},
      {"mcp-agent", {"mcp-agent", {"system"}, "system", "token"}},
      {"mcq", {"mcq", {"system"}, "system", "token"}},
      {"www", {"www", {"system"}, "system", "token"}},
      {"mcq.x", {"mcq.x", {"system"}, "system", "token"}},
      {"reader", {"reader", {"read"}, "user", "token"}},
      {"operator", {"operator", {"operate"}, "user", "token"}},
      {"mcp-person", {"mcp-agent", {"read"}, "user", "token"}},
      {"guest", {"guest", {"guest"}, "guest", "token"}},
      {"robot", {"robot", {"system"}, "robot", "token"}},
  };
  const auto found = kAccounts.find(peer.token);
  if (found == kAccounts.end()) {
    return fail(Code::kUnauthenticated, "the token is not known here");
  }
  return found->second;
}

TestService::TestService(const WriterOptions& writing) {
  env_.use_real_files();
  env_.use_real_clock();
  database_ = require_ok(
      dsl::db::Database::open(env_, folder_.file("mcns.db"), {.migrations = store::migrations()}));
  writer_ = require_ok(Writer::open(env_, *database_, zones_, writing));
  cache_ = Cache::make({}, 1);
  forwarder_ = require_ok(Forwarder::start(env_, *cache_, {}));
  parts_ = std::make_unique<ResolverParts>(ResolverParts{
      .zones = zones_,
      .cache = *cache_,
      .forwarder = forwarder_.get(),
      .rules = ResolverRules{.allow_recursion = require_ok(Prefixes::parse({"private"}))},
      .events = &queries_});
  forwards_ = std::make_unique<Forwards>(database_.get(), *forwarder_, *cache_,
                                         std::vector<std::string>{"192.0.2.53:53"});
  require_ok(forwards_->configure({}));
  services_.reset(new Services{
      .env = env_,
      .database = *database_,
      .writer = *writer_,
      .resolver = *parts_,
      .forwards = *forwards_,
      .queries = queries_,
      .tokens = std::make_shared<dsl::auth::TokenFile>(env_, folder_.file("tokens"), "mcns"),
      .settings = {.agent_accounts = {"mcp-agent"}, .backup_dir = folder_.file("backups")},
      .hooks = {.dns_listeners = [] { return std::vector<std::string>{"udp 127.0.0.1:1"}; },
                .api_listeners = {},
                .problems = {},
                .seed_preview = [this] { return Result<std::vector<std::string>>(seed_lines); }},
      .started = env_.clock().now()});
  dsl::rpc::ApiOptions options;
  options.authenticate = caller_of;
  options.policy = policy(*services_);
  api_ = require_ok(dsl::rpc::Api::create(env_, table(), std::move(options)));
}

TestService::~TestService() {
  services_->stopping = true;
  api_.reset();
}

Result<void> TestService::run(const std::string& account, const std::string& method,
                              const Message& request, const OnReply& on_reply) {
  dsl::rpc::CallStart start;
  start.method = "mcns.v1." + method;
  start.request_id = "test";
  start.peer.token = account;
  start.peer.local = account == "root";
  start.peer.address = "192.0.2.99:40000";
  dsl::rpc::ActiveCall call(env_.clock(), start);
  const dsl::rpc::Route* route = api_->find(start.method);
  MC_ASSERT(route != nullptr, "the test names a method that is there");
  api_->accept(call, *route);
  Collector sink(on_reply);
  return api_->run(
      call, *route,
      [&](Message& parsed) {
        parsed.CopyFrom(request);
        return Result<void>();
      },
      sink);
}

void TestService::create_zone(const std::string& name) {
  pb::CreateZoneRequest request;
  request.set_name(name);
  request.set_primary_ns("ns1");
  require_ok(call<pb::Zone>("root", "ZoneService.CreateZone", request));
}

pb::Outcome TestService::add(const std::string& zone, const std::string& name,
                             const std::string& type, const std::string& value,
                             const std::string& account) {
  pb::CreateRecordRequest request;
  request.set_zone(zone);
  request.set_name(name);
  request.set_type(type);
  request.set_value(value);
  return require_ok(call<pb::Outcome>(account, "RecordService.CreateRecord", request));
}

pb::Outcome TestService::import(const std::string& zone, const std::string& text) {
  pb::ImportZoneRequest request;
  request.set_zone(zone);
  request.set_file("test.zone");
  request.set_text(text);
  request.set_create(true);
  return require_ok(call<pb::Outcome>("root", "ZoneService.ImportZone", request));
}

std::uint32_t TestService::serial(const std::string& zone) {
  pb::GetZoneRequest request;
  request.set_zone(zone);
  return require_ok(call<pb::Zone>("root", "ZoneService.GetZone", request)).serial();
}

std::vector<pb::Record> TestService::records(const std::string& zone) {
  pb::ListRecordsRequest request;
  request.set_zone(zone);
  request.set_page_size(1000);
  const auto reply =
      require_ok(call<pb::ListRecordsReply>("root", "RecordService.ListRecords", request));
  return {reply.records().begin(), reply.records().end()};
}

}  // namespace mcns::api::test
