#include "dsl/rpc/dial.h"

#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/served_echo.h"
#include "dsl/tls/tls.h"
#include "support/test_ca.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::require_ok;
using dsl::test::TempDir;
using dsl::test::TestCa;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using Outcome = DialAttempt::Outcome;

constexpr char kPublic[] = "dsl.rpc.test.EchoService.Public";
constexpr char kHang[] = "dsl.rpc.test.EchoService.Hang";

std::string bound_address(int fd) { return env::to_text(env::local_address(fd)); }

env::UniqueFd bound(const std::string& host) {
  env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = env::parse_socket_address(host + ":0");
  MC_ASSERT(::bind(fd.get(), address->raw(), address->size) == 0, "loopback can be bound");
  return fd;
}

// An address that refuses: bound, so that nobody else listens there, and not listening.
class Refused {
 public:
  std::string address() const { return bound_address(fd_.get()); }

 private:
  env::UniqueFd fd_ = bound("127.0.0.2");
};

// An address whose packets go nowhere: its queue of connections is full, and the kernel drops what
// comes.
class Blackhole {
 public:
  Blackhole() {
    MC_ASSERT(::listen(fd_.get(), 0) == 0, "it listens");
    const auto target = env::parse_socket_address(address());
    do {
      filling_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      (void)::connect(filling_.back().get(), target->raw(), target->size);
    } while (connected(filling_.back().get()));
  }
  std::string address() const { return bound_address(fd_.get()); }

 private:
  static bool connected(int fd) {
    pollfd one{fd, POLLOUT, 0};
    return ::poll(&one, 1, 50) > 0;
  }
  env::UniqueFd fd_ = bound("127.0.0.3");
  std::vector<env::UniqueFd> filling_;
};

class DialTest : public testing::Test {
 protected:
  DialTest() {
    options_.tls.ca_file = dir_.write("ca.crt", ca_.pem());
    options_.tls.name = "rift";
    options_.token = [] { return Result<std::string>("secret"); };
    options_.probe = [](Channel& channel, const CallOptions& call) -> Result<void> {
      MC_TRY(channel.call<EchoReply>(kPublic, EchoRequest(), call));
      return {};
    };
    options_.look_up = [](const std::string& host, const LookedUp&) {
      ADD_FAILURE() << host << " was looked up";
    };
  }

  // A node whose certificate is for `name`.
  std::unique_ptr<ServedEcho> serve(const std::string& host, const std::string& name) {
    const dsl::test::IssuedPair pair = ca_.issue({.subject = name, .names = {name}});
    ServerOptions options;
    options.tls = {host + ":0"};
    options.credentials = require_ok(tls::ServerCredentials::open(
        env::system_env(), {.pairs = {{dir_.write(name + ".crt", pair.cert_pem),
                                       dir_.write(name + ".key", pair.key_pem)}}}));
    return std::make_unique<ServedEcho>(std::move(options));
  }
  Result<Dialled> dial(std::vector<std::string> addresses) {
    options_.addresses = std::move(addresses);
    const auto begun = std::chrono::steady_clock::now();
    Result<Dialled> dialled = rpc::dial(env::system_env(), options_);
    took_ = std::chrono::steady_clock::now() - begun;
    return dialled;
  }

  TempDir dir_;
  TestCa ca_;
  DialOptions options_;
  std::chrono::steady_clock::duration took_{};
};

auto told(const std::string& address, Outcome outcome, const std::string& note) {
  return AllOf(Field(&DialAttempt::address, address), Field(&DialAttempt::outcome, outcome),
               Field(&DialAttempt::note, HasSubstr(note)));
}

TEST_F(DialTest, RefusesWhatIsNoAddress) {
  EXPECT_THAT(dial({}), failed_saying(Code::kInvalidArgument, "no address"));
  EXPECT_THAT(dial({"127.0.0.1"}), failed_saying(Code::kInvalidArgument, "'127.0.0.1'"));
}

TEST_F(DialTest, TellsWhatEachAddressDidWhenNoneAnswers) {
  const Refused refused;
  const auto other = serve("127.0.0.4", "deimos");
  options_.look_up = [](const std::string&, const LookedUp& done) {
    done(fail(Code::kUnavailable, "rift.lan is not resolved: no such name"));
  };

  const auto nobody = dial({refused.address(), other->tls(), "rift.lan:1"});

  EXPECT_THAT(nobody, failed_saying(Code::kUnavailable, "rift answers at none of its 3 addresses"));
  ASSERT_FALSE(nobody);
  const auto& details = nobody.error().details();
  ASSERT_EQ(details.size(), 3u);
  EXPECT_EQ(details[0].where, refused.address());
  EXPECT_THAT(details[0].message, HasSubstr("refused"));
  EXPECT_EQ(details[1].where, other->tls());
  EXPECT_THAT(details[1].message, HasSubstr("is not for rift, but for deimos"));
  EXPECT_EQ(details[2].where, "rift.lan:1");
  EXPECT_THAT(details[2].message, HasSubstr("no such name"));
}

TEST_F(DialTest, ANameThatIsNotResolvedInTimeIsGivenUp) {
  LookedUp late;
  options_.look_up = [&](const std::string&, LookedUp done) { late = std::move(done); };
  options_.look_up_timeout = std::chrono::milliseconds(20);

  const auto nobody = dial({"rift.lan:1"});
  late(std::vector<std::string>{"127.0.0.1"});  // harmless, long after

  EXPECT_THAT(nobody, failed_saying(Code::kUnavailable, "not resolved within 20 ms"));
}

TEST_F(DialTest, ANodeThatAnswersAndRefusesIsNotCalledUnreachable) {
  const auto rift = serve("127.0.0.5", "rift");
  options_.probe = [](Channel&, const CallOptions&) -> Result<void> {
    return fail(Code::kFailedPrecondition, "it calls itself deimos");
  };

  EXPECT_THAT(dial({rift->tls()}),
              failed_saying(Code::kFailedPrecondition, "it calls itself deimos"));
}

TEST_F(DialTest, OneGoodAddressAmongBadOnesAnswersWithinASecond) {
  const Blackhole blackhole;
  const Refused refused;
  const auto other = serve("127.0.0.4", "deimos");
  const auto rift = serve("127.0.0.5", "rift");
  options_.look_up = [](const std::string&, const LookedUp&) {};  // the resolver is dead

  const Dialled node = require_ok(
      dial({"rift.lan:9444", blackhole.address(), refused.address(), other->tls(), rift->tls()}));

  EXPECT_LT(took_, std::chrono::seconds(1));
  EXPECT_EQ(node.address, rift->tls());
  EXPECT_THAT(node.attempts, ElementsAre(told(blackhole.address(), Outcome::kCancelled, "faster"),
                                         told(refused.address(), Outcome::kFailed, "refused"),
                                         told(other->tls(), Outcome::kFailed, "but for deimos"),
                                         told(rift->tls(), Outcome::kAnswered, ""),
                                         told("rift.lan:9444", Outcome::kNotTried, "faster")));
  EXPECT_TRUE(node.channel->call<EchoReply>(kPublic, EchoRequest()));
}

TEST_F(DialTest, TheLosersCallsAreCancelled) {
  const auto slow = serve("127.0.0.4", "rift");
  const auto fast = serve("127.0.0.5", "rift");
  std::atomic<int> probes{0};
  options_.probe = [&](Channel& channel, const CallOptions& call) -> Result<void> {
    if (probes++ == 0) {
      MC_TRY(channel.call<EchoReply>(kHang, EchoRequest(), call));
      return {};
    }
    EXPECT_TRUE(slow->service().wait_hanging(1));
    MC_TRY(channel.call<EchoReply>(kPublic, EchoRequest(), call));
    return {};
  };

  const Dialled node = require_ok(dial({slow->tls(), fast->tls()}));

  EXPECT_EQ(node.address, fast->tls());
  EXPECT_TRUE(slow->service().wait_cancelled(1));
}

TEST_F(DialTest, TheAddressThatAnsweredLastTimeIsTriedFirst) {
  const Blackhole blackhole;
  const auto rift = serve("127.0.0.5", "rift");
  options_.first = rift->tls();

  const Dialled node = require_ok(dial({blackhole.address(), rift->tls()}));

  EXPECT_THAT(node.attempts, ElementsAre(told(rift->tls(), Outcome::kAnswered, ""),
                                         told(blackhole.address(), Outcome::kNotTried, "faster")));
}

TEST_F(DialTest, ANameIsDialledAtItsAddressesAndVerifiedByItself) {
  const auto rift = serve("127.0.0.5", "rift.lan");
  options_.tls.name = "";
  options_.look_up = [](const std::string& host, const LookedUp& done) {
    EXPECT_EQ(host, "rift.lan");
    done(std::vector<std::string>{"127.0.0.5", "127.0.0.5"});
  };
  const std::string address = "rift.lan" + rift->tls().substr(rift->tls().rfind(':'));

  const Dialled node = require_ok(dial({address}));

  EXPECT_EQ(node.address, address);
  EXPECT_EQ(node.attempts.front().endpoint, rift->tls());
  EXPECT_EQ(node.attempts.size(), 1u);  // an address given twice is dialled once
}

#if defined(__has_feature)
constexpr bool kThreadSanitizer = __has_feature(thread_sanitizer);
#else
constexpr bool kThreadSanitizer = false;
#endif

TEST(LookUp, AsksTheSystem) {
  if (kThreadSanitizer) {
    GTEST_SKIP() << "ThreadSanitizer dies in threads that the C library starts for itself";
  }
  const auto ask = [](const std::string& host) {
    const auto answer = std::make_shared<std::promise<Result<std::vector<std::string>>>>();
    look_up(host, [answer](auto literals) { answer->set_value(std::move(literals)); });
    return answer->get_future().get();
  };

  EXPECT_THAT(ask("two..dots"), failed_with(Code::kUnavailable));
  EXPECT_THAT(require_ok(ask("localhost")), testing::Contains(testing::AnyOf("127.0.0.1", "::1")));
}

}  // namespace
}  // namespace dsl::rpc::test
