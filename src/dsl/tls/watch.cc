#include "dsl/tls/watch.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include "dsl/env/errno_error.h"

namespace dsl::tls {

namespace {

namespace fs = std::filesystem;

// A renewal writes chain and key one after the other; between them they do not fit.
constexpr int kQuietMs = 100;
constexpr int kRoundsMax = 20;  // 2 s: something that never stops writing is told all the same
constexpr int kLookMs = 60000;  // without any event
constexpr int kLinksMax = 40;   // as the kernel: more is a loop

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE |
                                  IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_ONLYDIR;

void drain(int fd) {
  std::array<char, 4096> scratch;
  while (::read(fd, scratch.data(), scratch.size()) > 0) {
  }
}

}  // namespace

std::vector<std::string> folders_of(const std::string& path) {
  std::error_code error;
  std::set<std::string> folders;
  fs::path rest = fs::absolute(path, error).lexically_normal();
  fs::path folder = "/";  // real, as far as `rest` was walked
  int links = 0;
  for (auto part = rest.begin(); part != rest.end();) {
    const fs::path here = folder / *part++;
    fs::path after;
    for (auto left = part; left != rest.end(); ++left) {
      after /= *left;
    }
    const bool link = fs::is_symlink(here, error);
    if (link || after.empty()) {
      folders.insert(folder.string());
    }
    if (!link) {
      folder = here;
      continue;
    }
    if (++links > kLinksMax) {
      break;
    }
    const fs::path target = fs::read_symlink(here, error);
    rest = (folder / target / after).lexically_normal();  // an absolute target replaces the folder
    if (after.empty()) {
      rest = (folder / target).lexically_normal();
    }
    folder = "/";
    part = rest.begin();
  }
  return {folders.begin(), folders.end()};
}

Watch::Watch(std::vector<std::string> paths, env::UniqueFd inotify, env::UniqueFd wake)
    : paths_(std::move(paths)), inotify_(std::move(inotify)), wake_(std::move(wake)) {}

Result<std::unique_ptr<Watch>> Watch::open(std::vector<std::string> paths) {
  env::UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) {
    return fail(env::errno_error(errno, "watch", paths.front()));
  }
  env::UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) {
    return fail(env::errno_error(errno, "watch", paths.front()));
  }
  std::unique_ptr<Watch> watch(new Watch(std::move(paths), std::move(inotify), std::move(wake)));
  watch->watch_folders();  // from now on nothing is missed, though nobody is told yet
  return watch;
}

Watch::~Watch() {
  stopping_.store(true);
  poke();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Watch::start(std::function<void()> changed) {
  thread_ = std::thread([this, changed = std::move(changed)] { run(changed); });
}

void Watch::poke() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);  // fails only when it is poked already
}

void Watch::watch_folders() {
  for (const std::string& path : paths_) {
    for (const std::string& folder : folders_of(path)) {
      // Repeating it is free; a folder that was swapped for another gets a new watch. One that
      // fails is looked at when the minute is over.
      (void)::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents);
    }
  }
}

bool Watch::wait(int timeout_ms) {
  std::array<pollfd, 2> fds{pollfd{inotify_.get(), POLLIN, 0}, pollfd{wake_.get(), POLLIN, 0}};
  const int ready = ::poll(fds.data(), fds.size(), timeout_ms);
  for (const pollfd& fd : fds) {
    if (fd.revents != 0) {
      drain(fd.fd);
    }
  }
  return ready > 0;
}

void Watch::run(const std::function<void()>& changed) {
  pthread_setname_np(pthread_self(), "tls-watch");
  while (true) {
    (void)wait(kLookMs);
    for (int round = 0; round < kRoundsMax && !stopping_.load() && wait(kQuietMs); ++round) {
    }
    if (stopping_.load()) {
      return;
    }
    watch_folders();  // before the look: what changes after it makes an event
    changed();
  }
}

}  // namespace dsl::tls
