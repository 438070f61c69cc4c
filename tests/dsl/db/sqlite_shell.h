// A plain sqlite3 shell in a process of its own, with the unix VFS of SQLite.
#pragma once

#include <csignal>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include "dsl/env/env.h"
#include "dsl/env/unique_fd.h"
#include "support/result_matchers.h"

namespace dsl::db {

// Confined to one thread. Killed by its destructor.
class SqliteShell {
 public:
  explicit SqliteShell(const std::string& path) {
    int ends[2];
    MC_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "there are sockets");
    ours_ = env::UniqueFd(ends[0]);
    const env::UniqueFd theirs(ends[1]);
    process_ =
        test::require_ok(env::system_env().processes().start({.argv = {"sqlite3", "-batch", path},
                                                              .stdio_fd = theirs.get(),
                                                              .stderr_fd = theirs.get()}));
  }
  ~SqliteShell() { kill(); }
  SqliteShell(const SqliteShell&) = delete;
  SqliteShell& operator=(const SqliteShell&) = delete;

  // Does not wait for it to be done.
  void send(std::string_view lines) {
    const std::string sent = std::string(lines) + "\n";
    MC_ASSERT(::send(ours_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(sent.size()),
              "the shell reads what it is sent");
  }

  // Output and errors, without the last line feed.
  std::string ask(std::string_view lines) {
    send(lines);
    send(".print ==done==");
    const std::string_view mark = "==done==\n";
    std::string answer;
    while (!answer.ends_with(mark)) {
      char part[4096];
      const ssize_t size = ::recv(ours_.get(), part, sizeof part, 0);
      MC_ASSERT(size > 0, "the shell answers");
      answer.append(part, static_cast<std::size_t>(size));
    }
    answer.resize(answer.size() - mark.size());
    if (answer.ends_with('\n')) {
      answer.pop_back();
    }
    return answer;
  }

  // Returns once it has closed the database and ended.
  void quit() {
    send(".quit");
    test::require_ok(process_->wait(std::chrono::seconds(10)));
    ended_ = true;
  }

  void kill() {
    if (!ended_) {
      process_->signal(SIGKILL);
      test::require_ok(process_->wait(std::chrono::seconds(10)));
      ended_ = true;
    }
  }

 private:
  env::UniqueFd ours_;
  std::unique_ptr<env::Process> process_;
  bool ended_ = false;
};

}  // namespace dsl::db
