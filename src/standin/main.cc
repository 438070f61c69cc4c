#include <csignal>
#include <cstdlib>

#include <sys/signalfd.h>
#include <unistd.h>

#include "standin/server.h"

namespace {

// One line is one write, so that lines of two processes never mix. Without standard error
// there is nobody to tell.
void say(int fd, std::string_view text) { (void)!::write(fd, text.data(), text.size()); }

int fail(int code, const std::string& what, const char* hint) {
  say(STDERR_FILENO, "error: " + what + "\nhint: " + hint + "\n");
  return code;
}

// Readable once the process is asked to end. As PID 1 of a container it would otherwise ignore
// SIGTERM, and its stop would take the whole time-out.
int open_stop_signals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  std::signal(SIGCHLD, SIG_IGN);  // as PID 1 it inherits orphans: the kernel reaps them
  return ::signalfd(-1, &stop, SFD_CLOEXEC);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      say(STDOUT_FILENO, standin::kHelp);
      return 0;
    }
    if (argument == "--version") {
      say(STDOUT_FILENO, standin::kVersion);
      return 0;
    }
  }

  const auto settings =
      standin::read_settings([](const char* name) -> const char* { return std::getenv(name); });
  if (!settings) {
    return fail(2, settings.error(), "mc-standin --help lists the variables");
  }
  const int stop_fd = open_stop_signals();
  std::vector<standin::HandedSocket> handed;
  if (!settings->sockets_dir.empty()) {
    auto fetched = standin::fetch_handed(settings->sockets_dir, stop_fd);
    if (!fetched) {
      return fail(1, fetched.error(), "is the node's agent running?");
    }
    handed = std::move(*fetched);
  }
  auto server = standin::Server::open(*settings, std::move(handed));
  if (!server) {
    return fail(1, server.error(), "choose other listeners with STANDIN_LISTEN");
  }

  std::string listening;
  for (const auto& listen : server->listens()) {
    listening += listen.text() + "\n";
  }
  say(STDERR_FILENO, "this is a stand-in for " + settings->service +
                         ": it answers health gates and nothing else\n" + listening);
  if (settings->ready_fd >= 0) {
    say(settings->ready_fd, listening);
    ::close(settings->ready_fd);
  }
  server->run(stop_fd);
  return 0;
}
