// A service that only reports what happens to it, one line each on stdout.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsl/cli/cli.h"
#include "dsl/service/commands.h"
#include "dsl/service/init.h"

namespace {

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// Leaves a process behind whose parent is gone, and returns once it has ended.
void make_orphan() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    std::abort();
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t orphan = ::fork();
    if (orphan > 0) {
      (void)!::write(ends[1], &orphan, sizeof(orphan));
    }
    ::_exit(0);  // both sides of the second fork end here
  }
  (void)::waitpid(child, nullptr, 0);
  (void)::close(ends[1]);
  pid_t orphan = 0;
  if (::read(ends[0], &orphan, sizeof(orphan)) != sizeof(orphan)) {
    std::abort();
  }
  (void)::close(ends[0]);
  // Until process 1 has reaped it; a test that waits in vain is ended by its own deadline.
  while (::kill(orphan, 0) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Answers each connection with one word, until it is told to stop.
class Door {
 public:
  Door(dsl::env::UniqueFd socket, std::string word)
      : socket_(std::move(socket)), word_(std::move(word)), thread_([this] { serve(); }) {}
  ~Door() {
    (void)::shutdown(socket_.get(), SHUT_RDWR);  // wakes accept
    thread_.join();
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

 private:
  void serve() const {
    while (true) {
      const dsl::env::UniqueFd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer) {
        return;
      }
      (void)::send(peer.get(), word_.data(), word_.size(), MSG_NOSIGNAL);
    }
  }

  const dsl::env::UniqueFd socket_;
  const std::string word_;
  std::thread thread_;
};

class Probe final : public dsl::service::Service {
 public:
  void configure(dsl::config::Table& table) override {
    table.text("probe.mode", &mode_).help("what to do wrong");
    table.text("probe.word", &word_).help("what to say").reloadable();
    table.text("probe.room", &room_).help("where; for good");
  }
  dsl::Result<void> check(dsl::env::Env& env, const dsl::config::Sources& sources) override {
    const auto content = env.files().read_file(sources.file);
    if (content && content->find("nowhere") != std::string::npos) {
      return dsl::fail(dsl::Code::kInvalidArgument, "there is no such room");
    }
    return {};
  }
  void adopt(dsl::service::ActivatedSockets& sockets) override {
    for (dsl::env::UniqueFd& socket : sockets.take("door")) {
      const bool ours = (::fcntl(socket.get(), F_GETFD) & FD_CLOEXEC) != 0;
      say(ours ? "adopts a door" : "adopts a door that children inherit");
      sockets_.push_back(std::move(socket));
    }
  }
  dsl::Result<void> start(dsl::env::Env& env) override {
    bool leaks = false;
    for (const char* name :
         {"NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "MC_SOCKETS"}) {
      leaks = leaks || env.variable(name).has_value();
    }
    say("start " + word_ + (leaks ? " leaks" : ""));
    for (dsl::env::UniqueFd& socket : sockets_) {
      doors_.push_back(std::make_unique<Door>(std::move(socket), word_));
    }
    if (mode_ == "fail") {
      return dsl::fail(dsl::Code::kConflict, "the port is taken").hint("choose another");
    }
    if (mode_ == "orphan") {
      make_orphan();
      say("orphaned");
    }
    if (mode_ == "crash") {
      std::abort();
    }
    return {};
  }
  std::vector<std::string> listeners() const override {
    return {"grpc 127.0.0.1:40123", "unix /srv/probe/admin.sock"};
  }
  dsl::Result<void> reloaded(const std::vector<std::string>& keys) override {
    if (word_ == "never") {
      return dsl::fail(dsl::Code::kInvalidArgument, "that word is not said here");
    }
    for (const std::string& key : keys) {
      say("reloaded " + key + " " + word_);
    }
    return {};
  }
  dsl::Result<void> refresh() override {
    say("refresh");
    if (mode_ == "stale") {
      return dsl::fail(dsl::Code::kInvalidArgument, "the certificate has\nexpired");
    }
    return {};
  }
  void stop(std::chrono::milliseconds grace) override {
    doors_.clear();
    say(dsl::text("stop {}", grace.count()));
    while (mode_ == "hang") {
      ::pause();
    }
    say("stopped");
  }

 private:
  std::string mode_;
  std::string word_ = "hello";
  std::string room_ = "hall";
  std::vector<dsl::env::UniqueFd> sockets_;
  std::vector<std::unique_ptr<Door>> doors_;
};

}  // namespace

// PROBE_INIT=1: as if it were process 1.
int main(int argc, char** argv) {
  if (std::getenv("PROBE_INIT") != nullptr) {
    (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans come to it, as to process 1
    if (const auto code = dsl::service::run_as_init(true)) {
      // Nobody may be left: an orphan that was not reaped would still be waited for here.
      say(::waitpid(-1, nullptr, WNOHANG) < 0 ? "all reaped" : "left a zombie");
      return *code;
    }
    say(dsl::text("pid {}", ::getpid()));
  }
  Probe probe;
  dsl::cli::Globals globals;
  dsl::service::Commands commands("probe", probe, globals);
  const dsl::cli::App app{
      .name = "probe", .summary = "Reports what happens to it.", .commands = commands.list()};
  return dsl::cli::run(app, globals, argc, argv);
}
