#include "dsl/rpc/local_listener.h"

#include <condition_variable>
#include <csignal>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "dsl/rpc/echo.pb.h"
#include "dsl/rpc/python_peer.h"
#include "dsl/rpc/served_echo.h"

namespace dsl::rpc::test {
namespace {

using dsl::test::failed_saying;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using dsl::test::TempDir;

env::UniqueFd connect_to(const std::string& path) {
  env::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const void* raw = &address;
  if (::connect(fd.get(), static_cast<const sockaddr*>(raw), sizeof address) != 0) {
    fd.reset();
  }
  return fd;
}

// A listener that keeps what it accepts.
class Listening {
 public:
  Listening(const std::string& path, FdNumbers numbers) : path_(path) {
    listener_ = require_ok(LocalListener::open(path, "", numbers));
    listener_->start([this](int fd) {
      const std::lock_guard lock(mutex_);
      accepted_.emplace_back(fd);
      changed_.notify_all();
    });
  }
  // The oldest accepted connection that nobody took; a new one is made first.
  env::UniqueFd accept() {
    client_ = connect_to(path_);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !accepted_.empty(); });
    env::UniqueFd fd = std::move(accepted_.front());
    accepted_.pop_front();
    return fd;
  }
  LocalListener& listener() { return *listener_; }

 private:
  const std::string path_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<env::UniqueFd> accepted_;  // guarded by mutex_
  env::UniqueFd client_;
  std::unique_ptr<LocalListener> listener_;
};

TEST(FdNumbers, RefusesWhenTheRangeIsFull) {
  FdNumbers numbers(700, 702);
  const auto dup_of_null = [] { return env::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); };

  const env::UniqueFd first = require_ok(numbers.raise(dup_of_null()));
  const env::UniqueFd second = require_ok(numbers.raise(dup_of_null()));

  EXPECT_THAT(numbers.raise(dup_of_null()), failed_with(Code::kUnavailable));
  EXPECT_EQ(first.get(), 700);
  EXPECT_EQ(second.get(), 701);
  EXPECT_NE(::fcntl(701, F_GETFD) & FD_CLOEXEC, 0);
}

TEST(FdNumbers, AFreedNumberRestsForAWholeRound) {
  FdNumbers numbers(700, 704);
  std::vector<int> given;

  for (int i = 0; i < 9; ++i) {
    const env::UniqueFd fd =
        require_ok(numbers.raise(env::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))));
    given.push_back(fd.get());
  }

  EXPECT_THAT(given, testing::ElementsAre(700, 701, 702, 703, 700, 701, 702, 703, 700));
}

TEST(FdNumbers, StayBelowTheLimitOfTheProcess) {
  const FdNumbers numbers = FdNumbers::below_limit();

  EXPECT_GE(numbers.floor(), 128);
  EXPECT_LE(numbers.ceiling(), 32768);
  EXPECT_LT(numbers.floor(), numbers.ceiling());
}

TEST(LocalListener, RefusesAPathThatIsTooLongOrTaken) {
  const TempDir dir;
  const std::string file = dir.write("file", "precious");

  EXPECT_THAT(LocalListener::open(dir.file(std::string(120, 'x')), "", FdNumbers(700, 800)),
              failed_saying(Code::kInvalidArgument, "at most 107"));
  EXPECT_THAT(LocalListener::open(file, "", FdNumbers(700, 800)),
              failed_saying(Code::kFailedPrecondition, "is not a socket"));
  EXPECT_EQ(dir.read("file"), "precious");
  EXPECT_THAT(LocalListener::open(dir.file("no/such/folder"), "", FdNumbers(700, 800)),
              failed_saying(Code::kInternal, "No such file or directory"));
  EXPECT_THAT(LocalListener::open(dir.file("s"), "no-such-group", FdNumbers(700, 800)),
              failed_saying(Code::kInvalidArgument, "no-such-group"));
}

TEST(LocalListener, RefusesAPathThatAnotherOneServes) {
  const TempDir dir;
  Listening first(dir.file("s"), FdNumbers(700, 800));

  EXPECT_THAT(LocalListener::open(dir.file("s"), "", FdNumbers(700, 800)),
              failed_saying(Code::kConflict, "another process serves"));
  EXPECT_TRUE(first.accept());
}

TEST(LocalListener, ReplacesTheFileThatADeadProcessLeft) {
  const TempDir dir;
  {
    const env::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, dir.file("s").data(), dir.file("s").size());
    const void* raw = &address;
    ASSERT_EQ(::bind(dead.get(), static_cast<const sockaddr*>(raw), sizeof address), 0);
  }

  Listening listening(dir.file("s"), FdNumbers(700, 800));

  EXPECT_TRUE(listening.accept());
}

TEST(LocalListener, TheFileIsForUserAndGroupOnlyAndGoesWithTheListener) {
  const TempDir dir;
  const mode_t umask_before = ::umask(0022);
  struct stat info {};

  {
    const Listening listening(dir.file("s"), FdNumbers(700, 800));
    ASSERT_EQ(::stat(dir.file("s").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0660u);
  }

  EXPECT_NE(::stat(dir.file("s").c_str(), &info), 0);
  ::umask(umask_before);
}

TEST(LocalListener, KnowsAPeerByTheNumberOfItsDescriptor) {
  const TempDir dir;
  Listening listening(dir.file("s"), FdNumbers(700, 800));

  const env::UniqueFd fd = listening.accept();

  for (const char* other : {"", "fd:", "fd:x", "fd:700x", "fd:799", "fd:-1", "ipv4:127.0.0.1:700",
                            "fd:99999999999999"}) {
    EXPECT_FALSE(listening.listener().find(other)) << other;
  }
  const std::optional<Peer> peer = listening.listener().find(text("fd:{}", fd.get()));
  ASSERT_TRUE(peer);
  EXPECT_EQ(fd.get(), 700);
  EXPECT_TRUE(peer->local);
  EXPECT_EQ(peer->uid, getuid());
  EXPECT_EQ(peer->gid, getgid());
  EXPECT_EQ(peer->pid, getpid());
}

TEST(LocalListener, ServesMoreConnectionsThanThereAreNumbers) {
  const TempDir dir;
  Listening listening(dir.file("s"), FdNumbers(700, 708));

  for (int i = 0; i < 1000; ++i) {
    const env::UniqueFd fd = listening.accept();
    ASSERT_EQ(fd.get(), 700 + i % 8);
  }
}

// The fact on which identity by number rests; see local_listener.h.
TEST(LocalSocket, DescriptorOutlivesTheConnectionWhileACallRuns) {
  const int number = FdNumbers::below_limit().floor();
  ASSERT_EQ(::fcntl(number, F_GETFD), -1) << "the number is in use before the test";
  const TempDir dir;
  std::promise<void> entered;
  std::promise<void> seen_gone;
  std::promise<void> go_on;
  MethodTable table;
  table.add<EchoRequest, EchoReply>("dsl.rpc.test.EchoService.Echo",
                                    [&](CallContext& call, const EchoRequest&) {
                                      entered.set_value();
                                      while (!call.cancelled()) {
                                        std::this_thread::yield();
                                      }
                                      seen_gone.set_value();
                                      go_on.get_future().wait();
                                      return Result<EchoReply>(EchoReply());
                                    });
  ServerOptions options;
  options.local_socket = dir.file("s");
  const auto server =
      require_ok(Server::start(env::system_env(), make_api(std::move(table)), options));
  const auto client = require_ok(
      env::system_env().processes().start(python_command("unix:" + dir.file("s"), {"unary"})));

  // A killed client cancels nothing: the handler learns of it because gRPC closed the transport.
  entered.get_future().wait();
  client->signal(SIGKILL);
  seen_gone.get_future().wait();

  EXPECT_NE(::fcntl(number, F_GETFD), -1);
  go_on.set_value();
  server->stop(std::chrono::seconds(10));
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace dsl::rpc::test
