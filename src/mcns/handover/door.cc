#include "mcns/handover/door.h"

#include <array>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dsl/env/pidfd.h"
#include "dsl/log/log.h"

namespace mcns::handover {
namespace {

using dsl::Code;
using dsl::fail;
using dsl::Result;
using dsl::net::PacketLink;

const dsl::log::Logger logger("mcns.handover");
constexpr std::chrono::milliseconds kFirstWord{1000};  // meanwhile others wait
constexpr std::chrono::milliseconds kAtOnce{0};

Result<void> check_right(const PacketLink::Peer& peer, Kind asks) {
  const bool is_ours = peer.uid == ::geteuid();
  if (asks != Kind::kTake && asks != Kind::kUpgrade) {
    return fail(Code::kInvalidArgument, "a hand-over begins with another word");
  }
  if (!is_ours && !(asks == Kind::kUpgrade && peer.uid == 0)) {
    return fail(Code::kPermissionDenied, "user {} may not take over from user {}", peer.uid,
                ::geteuid())
        .hint("run it as the user of the service");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Door>> Door::open(const std::string& path, std::function<void()> came) {
  MC_ASSIGN(auto listener, dsl::net::PacketListener::open(path));
  return std::unique_ptr<Door>(new Door(path, std::move(listener), std::move(came)));
}

Door::Door(std::string path, dsl::net::PacketListener listener, std::function<void()> came)
    : path_(std::move(path)),
      listener_(std::move(listener)),
      came_(std::move(came)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {}

Door::~Door() {
  (void)::eventfd_write(wake_.get(), 1);  // cannot fail: the counter is far from full
  thread_.join();
  if (!keeps_file_) {
    (void)::unlink(path_.c_str());  // gone already is as good
  }
}

std::optional<Visit> Door::next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  // Real time: whoever comes is another process.
  if (!arrived_.wait_for(lock, timeout, [&] { return !visits_.empty(); })) {
    return std::nullopt;
  }
  Visit visit = std::move(visits_.front());
  visits_.pop_front();
  return visit;
}

void Door::run() {
  pthread_setname_np(pthread_self(), "handover");
  std::array<pollfd, 2> waits{{{wake_.get(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}}};
  while (true) {
    (void)::poll(waits.data(), waits.size(), -1);  // EINTR: look and wait again
    if (waits[0].revents != 0) {
      return;
    }
    if (auto link = listener_.accept(kAtOnce)) {
      receive(*std::move(link));
    }
    waits[0].revents = waits[1].revents = 0;
  }
}

void Door::receive(PacketLink link) {
  const PacketLink::Peer peer = link.peer();
  auto said = hear(link, kFirstWord);
  if (!said && said.error().code() == Code::kUnavailable) {
    return;  // somebody who has looked whether we are here (is_served)
  }
  Result<void> allowed =
      said ? check_right(peer, said->message.kind) : Result<void>(tl::unexpected(said.error()));
  Visit visit;
  if (allowed && said->message.kind == Kind::kTake) {
    // While it is connected the number cannot be another process's.
    visit.process = dsl::env::UniqueFd(::pidfd_open(peer.pid, 0));
    if (!visit.process) {
      allowed = fail(Code::kFailedPrecondition,
                     "the process that wants to take over is not to be "
                     "seen from here")
                    .hint("both have to be in one container, or in none");
    }
  }
  if (!allowed) {
    logger.failure(dsl::log::Level::kWarn, "a visitor of the hand-over socket was refused",
                   allowed.error());
    (void)link.send(encode(refused(allowed.error())));  // gone is as good
    return;
  }
  visit.link = std::move(link);
  visit.asks = std::move(said->message);
  visit.pid = peer.pid;
  {
    const std::lock_guard lock(mutex_);
    visits_.push_back(std::move(visit));
  }
  arrived_.notify_one();
  came_();
}

}  // namespace mcns::handover
