// A service that only reports what happens to it, one line each on stdout.
#include <array>
#include <cstdio>
#include <cstdlib>

#include <sys/prctl.h>
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
    ::_exit(::fork() < 0 ? 1 : 0);  // both sides of the second fork end here
  }
  (void)::waitpid(child, nullptr, 0);
  (void)::close(ends[1]);
  char byte = 0;
  (void)!::read(ends[0], &byte, 1);  // end of file: the orphan holds the pipe no more
  (void)::close(ends[0]);
}

class Probe final : public dsl::service::Service {
 public:
  void configure(dsl::config::Table& table) override {
    table.text("probe.mode", &mode_).help("what to do wrong");
    table.text("probe.word", &word_).help("what to say").reloadable();
  }
  dsl::Result<void> start(dsl::env::Env& env) override {
    say("start " + word_ + (env.variable("NOTIFY_SOCKET") ? " leaks" : ""));
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
  void reloaded(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) {
      say("reloaded " + key + " " + word_);
    }
  }
  void stop(std::chrono::milliseconds grace) override {
    say(dsl::text("stop {}", grace.count()));
    while (mode_ == "hang") {
      ::pause();
    }
    say("stopped");
  }

 private:
  std::string mode_;
  std::string word_ = "hello";
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
