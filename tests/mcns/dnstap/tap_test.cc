// The tap with a real socket and real files; time is the test's.
#include "mcns/dnstap/tap.h"

#include <algorithm>
#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "dsl/env/socket_address.h"
#include "dsl/env/unique_fd.h"
#include "mcns/dnstap/frames.h"
#include "mcns/events/told.h"
#include "support/result_matchers.h"
#include "support/temp_dir.h"
#include "support/test_env.h"

namespace mcns::dnstap {
namespace {

using dsl::Code;
using dsl::env::UniqueFd;
using dsl::test::failed_with;
using dsl::test::ok;
using dsl::test::require_ok;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::SizeIs;

// A program that takes dnstap messages.
class Reader {
 public:
  explicit Reader(const std::string& path)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const auto address = require_ok(dsl::env::unix_socket_address(path));
    EXPECT_EQ(::bind(listener_.get(), address.raw(), address.size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
  }
  bool accept() {
    connection_ =
        UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    return static_cast<bool>(connection_);
  }
  void say(std::string_view octets) {
    EXPECT_EQ(::send(connection_.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(octets.size()));
  }
  // What has come by now.
  std::string hear() {
    std::string out;
    std::array<char, 65536> room;
    for (ssize_t got = 1; got > 0;) {
      got = ::recv(connection_.get(), room.data(), room.size(), 0);
      out.append(room.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
    return out;
  }
  void leave() { connection_.reset(); }

 private:
  UniqueFd listener_;
  UniqueFd connection_;
};

class TapTest : public ::testing::Test {
 protected:
  TapTest() {
    env_.use_real_files();
    env_.manual_clock().sleep_by_itself();
  }
  static Event event(const std::string& query = "query") {
    static std::string kept;
    kept = query;
    return {test::head_of({}), kept, "response"};
  }
  std::string frames(const std::string& query = "query") const {
    std::string out;
    append_frames(event(query), 0, {}, false, out);
    return out;
  }
  Tap tap(const std::string& place) { return Tap(env_, {.place = place, .identity = {}}); }

  dsl::test::TempDir folder_;
  dsl::test::TestEnv env_;
};

// --- a socket ---

class TapSocketTest : public TapTest {
 protected:
  // Up to the first frames, which it returns.
  static std::string greet(Reader& reader, Tap& tap) {
    tap.work();
    EXPECT_TRUE(reader.accept());
    EXPECT_EQ(reader.hear(), control_frame(ControlType::kReady));
    reader.say(control_frame(ControlType::kAccept));
    tap.work();
    const std::string heard = reader.hear();
    const std::string start = control_frame(ControlType::kStart);
    EXPECT_EQ(heard.substr(0, start.size()), start);
    return heard.substr(start.size());
  }
  const std::string path_ = folder_.file("tap.sock");
  Tap tap_{env_, {.place = "unix:" + path_, .identity = {}}};
};

TEST_F(TapSocketTest, TalksAsAReaderExpects) {
  Reader reader(path_);
  EXPECT_EQ(greet(reader, tap_), "");

  tap_.take(event(), 0);
  tap_.work();
  EXPECT_EQ(reader.hear(), frames());

  reader.say(control_frame(ControlType::kFinish));  // so that nobody has to wait for it
  tap_.finish();
  EXPECT_EQ(reader.hear(), control_frame(ControlType::kStop));
  EXPECT_EQ(tap_.lost(), 0U);
}

TEST_F(TapSocketTest, KeepsWhatComesBeforeTheReaderIsThere) {
  tap_.take(event("early"), 0);
  tap_.work();
  Reader reader(path_);
  tap_.work();
  EXPECT_FALSE(reader.accept()) << "it does not call again at once";

  env_.manual_clock().advance(milliseconds(500));
  tap_.work();
  ASSERT_TRUE(reader.accept());
  (void)reader.hear();
  reader.say(control_frame(ControlType::kAccept));
  tap_.work();

  EXPECT_EQ(reader.hear(), control_frame(ControlType::kStart) + frames("early"));
}

TEST_F(TapSocketTest, CallsAgainLaterEachTime) {
  Reader reader(path_);
  for (const int wait_ms : {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
    tap_.work();
    ASSERT_TRUE(reader.accept()) << wait_ms;
    reader.leave();
    tap_.work();
    env_.manual_clock().advance(milliseconds(wait_ms - 1));
    tap_.work();
    ASSERT_FALSE(reader.accept()) << wait_ms;
    env_.manual_clock().advance(milliseconds(1));
  }
}

TEST_F(TapSocketTest, BeginsWithAWholeFrameAfterAReaderThatLeftInTheMiddle) {
  const std::string query(1000, 'q');
  const std::size_t query_size = data_frame_size(frames(query));
  const std::size_t response_size = frames(query).size() - query_size;
  Reader reader(path_);
  (void)greet(reader, tap_);
  for (int i = 0; i < 2000; ++i) {  // more than a socket takes at once
    tap_.take(event(query), 0);
  }
  tap_.work();
  reader.leave();
  tap_.work();
  env_.manual_clock().advance(milliseconds(500));

  const std::string heard = greet(reader, tap_);

  std::size_t whole = 0;
  std::string_view rest = heard;
  while (rest.size() >= query_size) {
    const std::size_t size = data_frame_size(rest);
    ASSERT_TRUE(size == query_size || size == response_size) << size;
    rest.remove_prefix(size);
    ++whole;
  }
  EXPECT_GT(whole, 10U);
  EXPECT_LE(tap_.lost(), 1U);
}

TEST_F(TapSocketTest, CountsWhatNobodyTakes) {
  const std::string large(std::size_t{1} << 20U, 'q');
  for (int i = 0; i < 6; ++i) {
    tap_.take(event(large), 0);
  }
  EXPECT_EQ(tap_.lost(), 4U);  // two messages each; the bound is looked at before
}

TEST_F(TapSocketTest, LeavesAReaderThatTakesSomethingElse) {
  Reader reader(path_);
  for (const std::string& answer :
       {control_frame(ControlType::kReady), std::string("HTTP/1.1 400\r\n"),
        std::string("\0\0\0\0\0\0\0\xd\0\0\0\1\0\0\0\1\0\0\0\1x", 21)}) {
    tap_.work();
    ASSERT_TRUE(reader.accept());
    (void)reader.hear();
    reader.say(answer);
    tap_.work();
    env_.manual_clock().advance(milliseconds(30000));
  }
  tap_.work();
  ASSERT_TRUE(reader.accept()) << "and calls again";
  env_.manual_clock().advance(milliseconds(5001));  // says nothing
  tap_.work();
  env_.manual_clock().advance(milliseconds(30000));
  tap_.work();
  EXPECT_TRUE(reader.accept());
}

// --- a file ---

class TapFileTest : public TapTest {
 protected:
  static std::string stream(const std::string& frames) {
    return control_frame(ControlType::kStart) + frames + control_frame(ControlType::kStop);
  }
  std::vector<std::string> names() { return require_ok(env_.files().list(folder_.path())); }
  void pass_a_second() { env_.manual_clock().advance(milliseconds(1000)); }

  const std::string path_ = folder_.file("tap");
};

TEST_F(TapFileTest, IsAWholeStream) {
  Tap tap = this->tap(path_);
  tap.take(event(), 0);
  tap.work();
  tap.take(event("last"), 0);
  tap.finish();

  EXPECT_EQ(folder_.read("tap"), stream(frames() + frames("last")));
  EXPECT_EQ(require_ok(env_.files().stat(path_)).mode & 0007U, 0U);
}

TEST_F(TapFileTest, MovesAsideWhatIsThere) {
  folder_.write("tap", "of yesterday");
  Tap tap = this->tap(path_);
  tap.work();
  tap.finish();

  EXPECT_EQ(folder_.read("tap"), stream(""));
  ASSERT_THAT(names(), SizeIs(2));
  EXPECT_EQ(folder_.read(names()[1]), "of yesterday");
}

TEST_F(TapFileTest, IsEndedAndBegunAnewWhenSomebodyMovesItAway) {
  Tap tap = this->tap(path_);
  tap.take(event("one"), 0);
  tap.work();
  require_ok(env_.files().rename(path_, folder_.file("tap.1")));
  pass_a_second();
  tap.take(event("two"), 0);
  tap.work();
  EXPECT_EQ(folder_.read("tap.1"), stream(frames("one")));

  require_ok(env_.files().rename(path_, folder_.file("tap.2")));
  folder_.write("tap", "");  // logrotate's `create`
  pass_a_second();
  tap.take(event("three"), 0);
  tap.work();
  EXPECT_EQ(folder_.read("tap.2"), stream(frames("two")));
  tap.finish();
  EXPECT_EQ(folder_.read("tap"), stream(frames("three")));
}

TEST_F(TapFileTest, AnHeirBeginsItsOwnAndTheOldOneEndsItsOwn) {
  Tap old = this->tap(path_);
  old.take(event("old"), 0);
  old.work();
  Tap heir = this->tap(path_);
  heir.take(event("heir"), 0);
  heir.work();
  for (int i = 0; i < 3; ++i) {
    pass_a_second();
    old.take(event("late"), 0);
    old.work();
    heir.work();
  }
  old.finish();
  heir.finish();

  EXPECT_EQ(folder_.read("tap"), stream(frames("heir")));
  ASSERT_THAT(names(), SizeIs(2));
  EXPECT_EQ(folder_.read(names()[1]),
            stream(frames("old") + frames("late") + frames("late") + frames("late")));
}

TEST_F(TapFileTest, TriesAgainWhereItCannotWrite) {
  Tap tap = this->tap(folder_.file("missing") + "/tap");
  tap.take(event(), 0);
  tap.work();
  require_ok(env_.files().make_directories(folder_.file("missing"), 0755));
  pass_a_second();
  tap.work();
  tap.finish();

  EXPECT_EQ(folder_.read("missing/tap"), stream(frames()));
}

TEST(TapPlace, IsASocketOrAnAbsolutePath) {
  for (const char* wrong : {"unix:", "unix:relative", "relative", "tcp:192.0.2.1:6000"}) {
    EXPECT_THAT(check_place(wrong), failed_with(Code::kInvalidArgument)) << wrong;
  }
  EXPECT_THAT(check_place("unix:/" + std::string(200, 'x')), failed_with(Code::kInvalidArgument));
  EXPECT_THAT(check_place("unix:/run/tap.sock"), ok());
  EXPECT_THAT(check_place("/var/log/tap"), ok());
}

}  // namespace
}  // namespace mcns::dnstap
