#include "dsl/service/probe.h"

#include <array>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dsl::service::test {

namespace {

constexpr int kPatienceMs = 20000;

struct Pipe {
  env::UniqueFd read;
  env::UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    std::abort();
  }
  return {env::UniqueFd(ends[0]), env::UniqueFd(ends[1])};
}

// Appends what arrives next; false at the end of the file or when patience ends.
bool read_some(const env::UniqueFd& fd, std::string& out) {
  pollfd wait{fd.get(), POLLIN, 0};
  std::array<char, 4096> bytes;
  if (::poll(&wait, 1, kPatienceMs) != 1) {
    return false;
  }
  const ssize_t size = ::read(fd.get(), bytes.data(), bytes.size());
  if (size <= 0) {
    return false;
  }
  out.append(bytes.data(), static_cast<std::size_t>(size));
  return true;
}

std::vector<char*> pointers_to(std::vector<std::string>& values) {
  std::vector<char*> pointers;
  for (std::string& value : values) {
    pointers.push_back(value.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Probe::Probe(std::vector<std::string> arguments,
             const std::map<std::string, std::string>& environment) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Pipe ready = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  posix_spawn_file_actions_adddup2(&actions, ready.write.get(), 3);
  arguments.insert(arguments.begin(), MC_PROBE);
  std::vector<std::string> variables{"PATH=/usr/bin:/bin"};
  for (const auto& [name, value] : environment) {
    variables.push_back(name + "=" + value);
  }
  if (::posix_spawn(&pid_, MC_PROBE, &actions, nullptr, pointers_to(arguments).data(),
                    pointers_to(variables).data()) != 0) {
    std::abort();
  }
  posix_spawn_file_actions_destroy(&actions);
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  ready_ = std::move(ready.read);
}

Probe::~Probe() {
  if (pid_ > 0) {
    signal(SIGKILL);
    (void)wait();  // how it ended no longer matters
  }
}

void Probe::signal(int number) const { (void)::kill(pid_, number); }

std::string Probe::line() {
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!read_some(out_, buffer_)) {
      return "<end>";
    }
  }
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

std::string Probe::ready() {
  std::string lines;
  while (read_some(ready_, lines)) {
  }
  return lines;
}

int Probe::wait() {
  while (read_some(err_, errors_)) {
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace dsl::service::test
