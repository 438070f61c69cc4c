#include "mcns/service/service.h"

#include <array>
#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "dsl/rpc/client.h"
#include "mcns/store/schema.h"
#include "mcns/v1/admin.pb.h"
#include "mcns/v1/forward.pb.h"
#include "mcns/v1/record.pb.h"
#include "mcns/v1/zone.pb.h"
#include "mcns/wire/message.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_ca.h"

namespace mcns {
namespace {

using dsl::test::failed_with;
using dsl::test::ok;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A process that never hands over: it counts who comes to the door.
class FakeHost : public dsl::service::Host {
 public:
  explicit FakeHost(bool once = false) : once_(once) {}
  bool ends_once_ready() const override { return once_; }
  void post(std::function<void()>) override { ++posts; }
  dsl::Result<std::unique_ptr<dsl::env::Process>> start_successor() override {
    return dsl::fail(dsl::Code::kFailedPrecondition, "a test has no successor");
  }
  void changing() override {}
  void still_alive() override {}
  void keeps_serving(std::string_view) override {}
  void succeeded_by(pid_t) override {}

  std::atomic<int> posts{0};

 private:
  const bool once_;
};

// A socket of loopback; `to`: connected to that address.
dsl::env::UniqueFd udp_socket(const std::string& to = "") {
  dsl::env::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{20, 0};
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
  const auto address =
      dsl::test::require_ok(dsl::env::parse_socket_address(to.empty() ? "127.0.0.1:0" : to));
  const auto attach = to.empty() ? &::bind : &::connect;
  EXPECT_EQ(attach(fd.get(), address.raw(), address.size), 0);
  return fd;
}

Bytes question(std::string_view name) {
  Message message;
  message.id = 7;
  message.recursion_desired = true;
  message.questions.push_back({dsl::test::require_ok(Name::parse(name)), Type::kA});
  return message.encode();
}

// Until a question comes that has `label` in its name.
void await_question(const dsl::env::UniqueFd& upstream, std::string_view label) {
  std::array<char, 4096> room;
  std::string_view got;
  while (got.find(label) == std::string_view::npos) {
    const ssize_t size = ::recv(upstream.get(), room.data(), room.size(), 0);
    ASSERT_GT(size, 0);
    got = {room.data(), static_cast<std::size_t>(size)};
  }
}

// The configuration of a service in a folder of its own.
class ServiceTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return folder_.file(name); }

  dsl::Result<void> configure(Service& service, std::map<std::string, std::string> more = {}) {
    dsl::config::Table table("mcns");
    service.configure(table);
    std::map<std::string, std::string> flags = {
        {"socket.path", file("admin.sock")},
        {"server.grpc_addr", ""},
        {"server.rest_addr", ""},
        {"server.tokens", file("tokens")},
        {"database.path", file("mcns.db")},
        {"database.backups", file("backups")},
        {"dns.listen_addr", "127.0.0.1:0"},
        {"dns.upstreams", ""},
        {"dns.fallback_upstreams", ""},
        {"seed.paths", file("seed.zone")},
    };
    more.merge(flags);
    return table.load(dsl::env::system_env(), {.flags = std::move(more)});
  }

  dsl::test::TempDir folder_;
};

TEST_F(ServiceTest, StartsWithNothingAndAnswersOnItsSocket) {
  Service service;
  ASSERT_THAT(configure(service), ok());
  ASSERT_THAT(service.start(dsl::env::system_env()), ok());
  const auto channel = dsl::rpc::Channel::open("unix:" + file("admin.sock"));

  EXPECT_THAT(channel->call<v1::Status>("mcns.v1.AdminService.GetStatus", v1::GetStatusRequest()),
              ok());
  service.stop(std::chrono::seconds(5));
}

TEST_F(ServiceTest, APortAloneIsServedOnEveryAddressOfBothFamilies) {
  const dsl::test::TestCa ca;
  const dsl::test::IssuedPair pair = ca.issue({.names = {"mcns", "127.0.0.1"}});
  Service service;
  ASSERT_THAT(configure(service, {{"server.rest_addr", ":0"},
                                  {"server.tls_cert", folder_.write("mcns.crt", pair.cert_pem)},
                                  {"server.tls_key", folder_.write("mcns.key", pair.key_pem)}}),
              ok());
  ASSERT_THAT(service.start(dsl::env::system_env()), ok());

  EXPECT_THAT(service.listeners(), Contains(StartsWith("https 0.0.0.0:")));
  if (dsl::env::system_env().files().exists("/proc/net/if_inet6").value_or(false)) {
    EXPECT_THAT(service.listeners(), Contains(StartsWith("https [::]:")));
  }
  service.stop(std::chrono::seconds(5));
}

TEST_F(ServiceTest, AWrongUpstreamIsNamedBeforeAnythingStarts) {
  Service service;
  const auto loaded = configure(service, {{"dns.upstreams", "dns.example.test"}});

  EXPECT_THAT(loaded, failed_with(dsl::Code::kInvalidArgument));
}

TEST_F(ServiceTest, AnUpstreamThatIsOurselvesIsRefused) {
  Service first;
  ASSERT_THAT(configure(first), ok());
  ASSERT_THAT(first.start(dsl::env::system_env()), ok());
  const std::string own = first.listeners().front().substr(std::string("udp ").size());
  first.stop(std::chrono::seconds(5));
  Service second;
  ASSERT_THAT(configure(second, {{"dns.listen_addr", own}, {"dns.upstreams", own}}), ok());

  const auto started = second.start(dsl::env::system_env());
  ASSERT_THAT(started, failed_with(dsl::Code::kInvalidArgument));
  EXPECT_THAT(started.error().render(), HasSubstr("command line: "));
  EXPECT_THAT(started.error().render(), HasSubstr(own));
}

TEST_F(ServiceTest, AllThatIsWrongWithUpstreamsIsToldWithItsPlace) {
  const std::string path = folder_.write("mcns.toml",
                                         "[dns]\n"
                                         "listen_addr = [\"127.0.0.1:5300\"]\n"
                                         "upstreams = [\"127.0.0.1:5300\", \"192.0.2.1\"]\n"
                                         "fallback_upstreams = [\"0.0.0.0:53\"]\n"
                                         "ca_cert = \"/nowhere/all.pem\"\n"
                                         "[[forward]]\n"
                                         "zone = \"corp.test\"\n"
                                         "upstreams = [\"tls://192.0.2.1\"]\n"
                                         "[[forward]]\n"
                                         "zone = \"CORP.test\"\n"
                                         "upstreams = [\"tls://192.0.2.2\"]\n"
                                         "fallback = [\"tcp://127.0.0.1:5300\"]\n"
                                         "ca_cert = \"/nowhere/corp.pem\"\n"
                                         "[[forward]]\n"
                                         "zone = \".\"\n"
                                         "upstreams = [\"192.0.2.3\"]\n");
  Service service;

  const auto checked = service.check(dsl::env::system_env(), {.file = path});

  ASSERT_THAT(checked, failed_with(dsl::Code::kInvalidArgument));
  std::map<std::string, std::string> told;
  for (const dsl::Detail& each : checked.error().details()) {
    told[each.where.substr(each.where.find("mcns.toml"))] += each.message;
  }
  EXPECT_EQ(told.size(), 6u) << checked.error().render();
  EXPECT_THAT(told["mcns.toml:3:13"], HasSubstr("this server itself"));
  EXPECT_THAT(told["mcns.toml:3:13"], HasSubstr("another machine"));
  EXPECT_THAT(told["mcns.toml:3:13"], HasSubstr("has a group already, at " + path + ":15:8"));
  EXPECT_THAT(told["mcns.toml:4:22"], HasSubstr("nobody can be asked at"));
  EXPECT_THAT(told["mcns.toml:5:11"], HasSubstr("/nowhere/all.pem"));
  EXPECT_THAT(told["mcns.toml:10:8"], HasSubstr("has a group already, at " + path + ":7:8"));
  EXPECT_THAT(told["mcns.toml:12:12"], HasSubstr("this server itself"));
  EXPECT_THAT(told["mcns.toml:13:11"], HasSubstr("/nowhere/corp.pem"));
  EXPECT_THAT(told["mcns.toml:13:11"], HasSubstr("check the path"));
}

TEST_F(ServiceTest, CommandsFindTheSocketInTheFileThatIsNamed) {
  const std::string path =
      folder_.write("mcns.toml", dsl::text("[socket]\npath = \"{}\"\n", file("other.sock")));

  EXPECT_EQ(dsl::test::require_ok(admin_socket(dsl::env::system_env(), path)), file("other.sock"));
  EXPECT_THAT(admin_socket(dsl::env::system_env(), file("missing.toml")),
              failed_with(dsl::Code::kNotFound));
  EXPECT_THAT(
      admin_socket(dsl::env::system_env(), folder_.write("wrong.toml", "[socket]\na = 1\n")),
      failed_with(dsl::Code::kInvalidArgument));
}

TEST_F(ServiceTest, WhereItListensIsCheckedBeforeAnythingStarts) {
  for (const std::string wrong : {"nonsense", "127.0.0.1", ":", ":dns", "dns.example.test:53"}) {
    Service service;
    const auto loaded = configure(service, {{"dns.listen_addr", "127.0.0.1:0," + wrong}});

    ASSERT_THAT(loaded, failed_with(dsl::Code::kInvalidArgument)) << wrong;
    EXPECT_THAT(loaded.error().render(), HasSubstr("dns.listen_addr"));
    EXPECT_THAT(loaded.error().render(), HasSubstr(wrong));
  }
}

TEST_F(ServiceTest, AnOrderThatCannotBeKeptIsRefused) {
  Service service;
  EXPECT_THAT(configure(service, {{"dns.order", "network"}}),
              failed_with(dsl::Code::kInvalidArgument));
  Service other;
  EXPECT_THAT(configure(other, {{"dns.only_reachable", "true"}}),
              failed_with(dsl::Code::kInvalidArgument));
}

TEST_F(ServiceTest, NetworksAreReadFromTheirTables) {
  const auto load = [&](const std::string& networks, Service& service) {
    const std::string path = folder_.write("mcns.toml", networks + "[dns]\norder = \"network\"\n");
    dsl::config::Table table("mcns");
    service.configure(table);
    return table.load(dsl::env::system_env(), {.file = path});
  };
  const std::string lan = "[[network]]\nname = \"lan\"\ncidrs = [\"192.168.88.0/24\"]\n";
  for (const std::string& wrong :
       {lan + lan, std::string("[[network]]\nname = \"lan\"\n"), lan + "cidr = []\n",
        std::string("[[network]]\nname = \"lan\"\ncidrs = [\"lan\"]\n")}) {
    Service service;
    EXPECT_THAT(load(wrong, service), failed_with(dsl::Code::kInvalidArgument)) << wrong;
  }
  Service service;
  ASSERT_THAT(load(lan, service), ok());
  ASSERT_EQ(service.config().networks.size(), 1u);
  EXPECT_EQ(service.config().networks[0].name, "lan");
  EXPECT_NE(service.config().answer_networks(), nullptr);
}

// House rule: a key that was renamed works on for two releases.
TEST_F(ServiceTest, TheFormerNameOfTheOrderIsHeeded) {
  Service service;
  ASSERT_THAT(configure(service, {{"dns.rotate", "false"}}), ok());
  EXPECT_FALSE(service.config().answer_options().rotate);
  Service renamed;
  ASSERT_THAT(configure(renamed, {{"dns.order", "fixed"}}), ok());
  EXPECT_FALSE(renamed.config().answer_options().rotate);
}

TEST_F(ServiceTest, OneAddressToListenOnNeedsNoList) {
  const std::string path = folder_.write("mcns.toml", "[dns]\nlisten_addr = \"127.0.0.1:0\"\n");
  Service service;
  dsl::config::Table table("mcns");
  service.configure(table);

  ASSERT_THAT(table.load(dsl::env::system_env(), {.file = path}), ok());
  EXPECT_EQ(service.config().listen, std::vector<std::string>{"127.0.0.1:0"});
}

// A trial that takes the place of the live server and then ends leaves nobody to answer.
TEST_F(ServiceTest, ARunThatEndsAtOnceTakesNobodysPlace) {
  FakeHost host;
  Service live;
  ASSERT_THAT(configure(live), ok());
  live.run_by(host);
  ASSERT_THAT(live.start(dsl::env::system_env()), ok());
  FakeHost trial_host(true);
  Service trial;
  ASSERT_THAT(configure(trial), ok());
  trial.run_by(trial_host);

  const auto started = trial.start(dsl::env::system_env());

  ASSERT_THAT(started, failed_with(dsl::Code::kFailedPrecondition));
  EXPECT_THAT(started.error().hint(), HasSubstr("mcns check-config"));
  const auto channel = dsl::rpc::Channel::open("unix:" + file("admin.sock"));
  EXPECT_THAT(channel->call<v1::Status>("mcns.v1.AdminService.GetStatus", v1::GetStatusRequest()),
              ok());
  live.stop(std::chrono::seconds(5));
  EXPECT_EQ(host.posts, 0) << "nobody asks for the place";
}

TEST_F(ServiceTest, WithNobodyThereARunThatEndsAtOnceStarts) {
  FakeHost host(true);
  Service service;
  ASSERT_THAT(configure(service), ok());
  service.run_by(host);

  EXPECT_THAT(service.start(dsl::env::system_env()), ok());
  service.stop(std::chrono::seconds(5));
}

// What the forwarder says at its end is said to the workers: that they are there still is what the
// address sanitizer sees.
TEST_F(ServiceTest, StopsWhileAQuestionIsAtAnUpstream) {
  const dsl::env::UniqueFd upstream = udp_socket();
  const std::string address = dsl::env::to_text(dsl::env::local_address(upstream.get()));
  Service service;
  ASSERT_THAT(configure(service, {{"dns.upstreams", address}}), ok());
  ASSERT_THAT(service.start(dsl::env::system_env()), ok());
  const auto client = udp_socket(service.listeners().front().substr(std::string("udp ").size()));
  const Bytes packet = question("slow.elsewhere.net.");
  ASSERT_EQ(::send(client.get(), packet.data(), packet.size(), 0),
            static_cast<ssize_t>(packet.size()));
  await_question(upstream, "slow");

  service.stop(std::chrono::milliseconds(0));
}

// One that has served a zone, and was stopped.
class DamagedTest : public ServiceTest {
 protected:
  DamagedTest() {
    folder_.write("seed.zone",
                  "$ORIGIN example.test.\n$TTL 300\n@ SOA ns admin 1 3600 600 604800 300\n"
                  "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n");
    start(first_, {});
    v1::SetForwardRequest forward;
    forward.set_zone("elsewhere.test");
    forward.add_upstreams("192.0.2.9");
    dsl::test::require_ok(call<v1::Forward>("ForwardService.SetForward", forward));
    first_.stop(std::chrono::seconds(5));
    folder_.write("seed.zone", "");
  }
  void start(Service& service, std::map<std::string, std::string> more) {
    dsl::test::require_ok(configure(service, std::move(more)));
    dsl::test::require_ok(service.start(dsl::env::system_env()));
    channel_ = dsl::rpc::Channel::open("unix:" + file("admin.sock"));
  }
  template <class Reply, class Request>
  dsl::Result<Reply> call(const std::string& method, const Request& request) {
    return channel_->call<Reply>("mcns.v1." + method, request);
  }
  void damage_pages() {
    auto& files = dsl::env::system_env().files();
    std::string content = dsl::test::require_ok(files.read_file(file("mcns.db")));
    std::fill(content.begin() + 100, content.end(), 'x');
    dsl::test::require_ok(files.write_file(file("mcns.db"), content));
  }
  // What SQLite finds no fault with.
  void spoil_forwards() {
    const auto database = dsl::test::require_ok(dsl::db::Database::open(
        dsl::env::system_env(), file("mcns.db"), {.migrations = store::migrations()}));
    dsl::test::require_ok(database->write([](dsl::db::Transaction& tx) {
      return tx.run("UPDATE forwards SET upstreams = 'nonsense'");
    }));
  }

  const std::map<std::string, std::string> image_ = {{"database.damaged", "serve-image"},
                                                     {"dns.upstreams", "192.0.2.7:53"}};
  Service first_;
  std::shared_ptr<dsl::rpc::Channel> channel_;
};

TEST_F(DamagedTest, ReadsAreAnsweredFromTheImageAndWritesRefused) {
  damage_pages();
  Service service;
  start(service, image_);

  v1::ListRecordsRequest records;
  records.set_zone("example.test");
  const auto listed =
      dsl::test::require_ok(call<v1::ListRecordsReply>("RecordService.ListRecords", records));
  EXPECT_EQ(listed.records_size(), 3);
  const auto zones = dsl::test::require_ok(
      call<v1::ListZonesReply>("ZoneService.ListZones", v1::ListZonesRequest()));
  ASSERT_EQ(zones.zones_size(), 1);
  EXPECT_EQ(zones.zones(0).records(), 4u);
  const auto forwards = dsl::test::require_ok(
      call<v1::ListForwardsReply>("ForwardService.ListForwards", v1::ListForwardsRequest()));
  ASSERT_EQ(forwards.forwards_size(), 1) << "those of the file";
  v1::ExplainRequest explained;
  explained.set_name("www.example.test");
  EXPECT_EQ(dsl::test::require_ok(call<v1::Explanation>("AdminService.Explain", explained)).rcode(),
            "NOERROR");
  const auto status =
      dsl::test::require_ok(call<v1::Status>("AdminService.GetStatus", v1::GetStatusRequest()));
  EXPECT_EQ(status.state(), "degraded");
  ASSERT_GE(status.problems_size(), 2);
  EXPECT_THAT(status.problems(0), HasSubstr("mcns restore"));
  EXPECT_THAT(status.problems(1), HasSubstr("configuration file"));

  v1::CreateRecordRequest added;
  added.set_zone("example.test");
  added.set_name("new");
  added.set_type("A");
  added.set_value("192.0.2.3");
  const auto refused = call<v1::Outcome>("RecordService.CreateRecord", added);
  ASSERT_THAT(refused, failed_with(dsl::Code::kFailedPrecondition));
  EXPECT_THAT(refused.error().render(), HasSubstr("mcns restore"));
  v1::ListChangesRequest history;
  history.set_zone("example.test");
  EXPECT_THAT(call<v1::ListChangesReply>("ZoneService.ListChanges", history),
              failed_with(dsl::Code::kFailedPrecondition))
      << "to say that there were none would be wrong";
  EXPECT_THAT(call<v1::ListGrantsReply>("AdminService.ListGrants", v1::ListGrantsRequest()),
              failed_with(dsl::Code::kFailedPrecondition));
  service.stop(std::chrono::seconds(5));
}

TEST_F(DamagedTest, TheNewestSnapshotIsNamedByWhatIsRefused) {
  damage_pages();
  const auto refused_of = [&](std::map<std::string, std::string> more) {
    more.insert(image_.begin(), image_.end());
    Service service;
    start(service, std::move(more));
    v1::DeleteZoneRequest request;
    request.set_zone("example.test");
    const auto refused = call<v1::Outcome>("ZoneService.DeleteZone", request);
    service.stop(std::chrono::seconds(5));
    return refused ? std::string("done") : refused.error().hint();
  };
  EXPECT_THAT(refused_of({}),
              HasSubstr("`mcns restore --from FILE` (there is no snapshot in " + file("backups")));

  auto& files = dsl::env::system_env().files();
  dsl::test::require_ok(files.make_directories(file("backups"), 0700));
  for (const char* name : {"mcns-20260403T020000Z.db", "mcns-20260404T020000Z.db", "zzz.db"}) {
    folder_.write(std::string("backups/") + name, "");
  }
  const std::string newest = file("backups") + "/mcns-20260404T020000Z.db";
  EXPECT_THAT(refused_of({}), HasSubstr("`mcns restore --from " + newest + "` (the newest"));
  Service stopping;
  ASSERT_THAT(configure(stopping, {}), ok());
  const auto started = stopping.start(dsl::env::system_env());
  ASSERT_THAT(started, failed_with(dsl::Code::kDataLoss));
  EXPECT_THAT(started.error().hint(), HasSubstr("`mcns restore --from " + newest + "`"));
}

TEST_F(DamagedTest, AnImageThatCannotBeTakenIsSaidToBeOfAnotherBuild) {
  damage_pages();
  auto& files = dsl::env::system_env().files();
  const std::string image =
      file("image") + "/" + dsl::test::require_ok(files.list(file("image"))).at(0);
  std::string content = dsl::test::require_ok(files.read_file(image));
  content.replace(40, 64, "v0.0.9" + std::string(58, '\0'));  // docs/formats/zone-image.md
  dsl::test::require_ok(files.write_file(image, content));
  Service service;
  ASSERT_THAT(configure(service, image_), ok());

  const auto started = service.start(dsl::env::system_env());

  ASSERT_THAT(started, failed_with(dsl::Code::kDataLoss));
  EXPECT_THAT(started.error().message(), HasSubstr("malformed"));
  EXPECT_THAT(started.error().message(), HasSubstr("is of the build v0.0.9, and this is "));
  EXPECT_THAT(started.error().hint(), HasSubstr("start that build"));
  EXPECT_THAT(started.error().hint(), HasSubstr("mcns restore"));
}

TEST_F(DamagedTest, WithoutAnImageTheStartSaysThatThereIsNone) {
  damage_pages();
  auto& files = dsl::env::system_env().files();
  for (const std::string& name : dsl::test::require_ok(files.list(file("image")))) {
    dsl::test::require_ok(files.remove(file("image") + "/" + name));
  }
  Service service;
  ASSERT_THAT(configure(service, image_), ok());

  const auto started = service.start(dsl::env::system_env());

  ASSERT_THAT(started, failed_with(dsl::Code::kDataLoss));
  EXPECT_THAT(started.error().message(), HasSubstr("there is no image of the zones in"));
}

TEST_F(DamagedTest, StoredForwardsThatCannotBeReadAreADamage) {
  spoil_forwards();
  Service stopping;
  ASSERT_THAT(configure(stopping, {}), ok());
  EXPECT_THAT(stopping.start(dsl::env::system_env()), failed_with(dsl::Code::kDataLoss));

  Service service;
  start(service, image_);
  const auto status =
      dsl::test::require_ok(call<v1::Status>("AdminService.GetStatus", v1::GetStatusRequest()));
  ASSERT_EQ(status.upstreams_size(), 1) << "the configured one";
  EXPECT_THAT(status.problems(0), HasSubstr("the stored forward for elsewhere.test"));
  EXPECT_THAT(status.problems(1), HasSubstr("mcns forward set"));
  service.stop(std::chrono::seconds(5));
}

TEST(ServiceExample, IsTheConfigurationReference) {
  const auto example =
      dsl::env::system_env().files().read_file(MC_SOURCE_DIR "/deploy/examples/mcns.toml");
  Service service;

  ASSERT_THAT(example, ok());
  EXPECT_EQ(*example, dsl::service::config_reference("mcns", service));
}

}  // namespace
}  // namespace mcns
