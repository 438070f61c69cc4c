// Streams and acceptors over real sockets; TLS is driven by the tests of http.
#include "dsl/net/stream.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "dsl/net/acceptor.h"
#include "dsl/net/listen.h"
#include "support/result_matchers.h"

namespace dsl::net {
namespace {

using dsl::test::failed_with;
using dsl::test::require_ok;

struct Pair {
  Pair() {
    int fds[2];
    MC_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0,
              "a socket pair");
    ours = std::make_unique<Stream>(env::UniqueFd(fds[0]));
    theirs = env::UniqueFd(fds[1]);
  }
  std::unique_ptr<Stream> ours;
  env::UniqueFd theirs;
};

TEST(Stream, SaysWhatItWaitsFor) {
  Pair pair;
  char buffer[16];

  EXPECT_EQ(pair.ours->read(buffer).io, Io::kWantRead);
  const std::string large(1u << 20, 'x');
  while (pair.ours->write(large).io == Io::kDone) {
  }
  EXPECT_EQ(pair.ours->write(large).io, Io::kWantWrite);
}

TEST(Stream, TellsAnEndFromAFailure) {
  Pair pair;
  char buffer[16];
  pair.theirs.reset();

  EXPECT_EQ(pair.ours->read(buffer).io, Io::kEnd);
  EXPECT_EQ(pair.ours->write("x").io, Io::kFailed);
}

TEST(Stream, PeekLeavesTheBytes) {
  Pair pair;
  ASSERT_EQ(::send(pair.theirs.get(), "abcdef", 6, 0), 6);
  char buffer[16];

  EXPECT_EQ(pair.ours->peek(buffer).count, 6u);
  pair.ours->discard(2);
  const IoResult rest = pair.ours->read(buffer);

  EXPECT_EQ(std::string(buffer, rest.count), "cdef");
  EXPECT_TRUE(pair.ours->drained());
}

TEST(Listen, BusyPortIsAConflict) {
  const auto first = require_ok(listen_on(require_ok(env::parse_socket_address("127.0.0.1:0"))));

  EXPECT_THAT(listen_on(env::local_address(first.get())), failed_with(Code::kConflict));
}

TEST(Listen, ReusePortSharesIt) {
  ListenOptions options;
  options.reuse_port = true;
  const auto first =
      require_ok(listen_on(require_ok(env::parse_socket_address("127.0.0.1:0")), options));

  EXPECT_THAT(listen_on(env::local_address(first.get()), options), dsl::test::ok());
}

TEST(Acceptor, CloseTakesWhatHasConnectedAndNothingAfterwards) {
  const auto loop = require_ok(Loop::open());
  const auto listener = require_ok(listen_on(require_ok(env::parse_socket_address("127.0.0.1:0"))));
  int accepted = 0;
  const auto acceptor =
      require_ok(Acceptor::open(*loop, listener.get(), nullptr, [&](Accepted) { ++accepted; }));
  const env::SocketAddress address = env::local_address(listener.get());
  std::vector<env::UniqueFd> clients;
  const auto connect = [&] {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return ::connect(clients.back().get(), address.raw(), address.size) == 0 ||
           errno == EINPROGRESS;
  };
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(connect());
  }

  refuse_new(listener.get());
  acceptor->close();
  EXPECT_EQ(accepted, 100);
  ASSERT_TRUE(connect());
  acceptor->on_ready(0);

  EXPECT_EQ(accepted, 100);
}

}  // namespace
}  // namespace dsl::net
